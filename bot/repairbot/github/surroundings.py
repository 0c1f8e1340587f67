"""What GitHub Actions gives a step and takes from it: inputs, outputs, the summary, annotations in the log."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from repairbot.config import FAIL_ON, MOST_COMMENTS, FailOn
from repairbot.reports.github import command

SUMMARY_LIMIT: Final = 1 << 20
"""Bytes of a step's summary. Source: GitHub's documentation of workflow commands."""
Mode = Literal["auto", "report"]


class InputError(Exception):
    """An input of the Action cannot be used. One clear line for the user."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The Action's inputs; action.yml says what each means. None: as the base branch's settings say."""

    mode: Mode = "auto"
    number: int = 0
    max_comments: int | None = None
    fail_on: FailOn | None = None
    unsafe: bool = True
    sarif: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Inputs:
        """As action.yml hands them over. Raises InputError."""

        def given(name: str) -> str:
            return environment.get(f"REPAIRBOT_{name.upper().replace('-', '_')}", "").strip()

        def flag(name: str, default: bool) -> bool:
            return _one_of(name, given(name) or str(default).lower(), ("true", "false")) == "true"

        number, comments, fail_on = given("pull-request"), given("max-comments"), given("fail-on")
        return cls(
            cast(Mode, _one_of("mode", given("mode") or "auto", ("auto", "report"))),
            _count("pull-request", number, 1, 1 << 53) if number else 0,
            _count("max-comments", comments, 0, MOST_COMMENTS) if comments else None,
            cast(FailOn, _one_of("fail-on", fail_on, FAIL_ON)) if fail_on else None,
            flag("unsafe-fixes", True),
            flag("sarif", False),
        )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value in allowed:
        return value
    raise InputError(f"the input {name} must be one of {', '.join(allowed)}, and is {value!r:.60}")


def _count(name: str, value: str, least: int, most: int) -> int:
    if value.isascii() and value.isdecimal() and len(value) < 17 and least <= int(value) <= most:
        return int(value)
    raise InputError(
        f"the input {name} must be a whole number from {least} to {most:,}, and is {value!r:.60}"
    )


@dataclass(slots=True)
class Step:
    """The step that runs. `write` puts lines into its log, where the runner takes some for commands to it."""

    environment: Mapping[str, str]
    write: Callable[[str], None]
    _folder: str = ""

    def say(self, text: str) -> None:
        """Write words to the log; no line of them is a command, whoever they come from."""
        for line in text.splitlines():
            self.write(("| " if line.lstrip().startswith("::") else "") + line.replace("##[", "## ["))

    def outputs(self, **values: str | int) -> None:
        """Set outputs of the step (hyphens written `_`)."""
        file = self.environment.get("GITHUB_OUTPUT")
        if not file:
            return
        with open(file, "a", encoding="utf-8", newline="\n") as held:
            for name, value in values.items():
                # A delimiter that nobody can guess: no value ends itself early and sets another.
                end = f"end-{secrets.token_hex(16)}"
                held.write(f"{name.replace('_', '-')}<<{end}\n{value}\n{end}\n")

    def summarise(self, text: str) -> None:
        """Add Markdown to the step's summary. What is over the limit is cut off, and that is said."""
        file = self.environment.get("GITHUB_STEP_SUMMARY")
        if not file:
            return
        content = text.encode("utf-8", "backslashreplace")
        note = b"\n\nThe rest is over the limit of a summary: see the `report` output.\n"
        room = SUMMARY_LIMIT - (os.path.getsize(file) if os.path.exists(file) else 0)
        if len(content) > room:
            cut = content[: max(room - len(note), 0)].decode("utf-8", "ignore").encode()
            content = (cut + note)[: max(room, 0)]
        with open(file, "ab") as held:
            held.write(content)

    def save(self, name: str, content: bytes) -> str:
        """Keep a file for later steps; its path."""
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="repairbot-", dir=self.environment.get("RUNNER_TEMP"))
        path = os.path.join(self._folder, name)
        with open(path, "wb") as held:
            held.write(content)
        return path

    def notice(self, message: str) -> None:
        """Say something that people should see on the run's page."""
        self.write(command("notice", message, title="repairbot"))

    def error(self, message: str) -> None:
        """Say why the step fails."""
        self.write(command("error", message, title="repairbot"))
