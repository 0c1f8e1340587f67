"""JavaScript source to the model: TypeScript's front end under another name."""

from __future__ import annotations

from repairbot.languages.typescript.frontend import TypeScriptFrontend

FRONTEND = TypeScriptFrontend("javascript")
