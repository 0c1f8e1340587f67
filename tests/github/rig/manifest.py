"""How an App is made from a manifest: GitHub's page for it, the way back, and the exchange of the code.

Source: docs.github.com, "Registering a GitHub App from a manifest", "GitHub App Manifest parameters".
"""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from .apps import App
from .state import State

KEYS = {
    "name",
    "url",
    "hook_attributes",
    "redirect_url",
    "callback_urls",
    "setup_url",
    "description",
    "public",
    "default_events",
    "default_permissions",
    "request_oauth_on_install",
    "setup_on_update",
}
NEEDS = {
    "pull_request": "pull_requests",
    "pull_request_review_comment": "pull_requests",
    "check_run": "checks",
    "check_suite": "checks",
    "issue_comment": "issues",
}
"""By event: the permission without which GitHub refuses to subscribe an App to it."""


@dataclass(slots=True)
class Made:
    """An App that a manifest asked for. `state`: what came with it."""

    manifest: Mapping[str, Any]
    state: str


PAGE = """<!doctype html><meta name="viewport" content="width=device-width"><title>Create GitHub App</title>
<h1>Create GitHub App</h1><form method="post" action="/settings/apps/create?{query}">
<label>GitHub App name <input name="name" value="{name}"></label><button>Create GitHub App for octo</button></form>"""


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """What GitHub finds fault with in a manifest."""
    wrong = [f"unknown key {key!r}" for key in manifest.keys() - KEYS]
    wrong += [f"{key} is missing" for key in ("url", "redirect_url") if not manifest.get(key)]
    if not 1 <= len(manifest.get("name", "x")) <= 34:
        wrong.append("Name is too long (maximum is 34 characters)")
    permissions = manifest.get("default_permissions", {})
    wrong += [f"{name}: {level}" for name, level in permissions.items() if level not in ("read", "write")]
    wrong += [
        f"Default events are not supported by permissions: {event}"
        for event in manifest.get("default_events", ())
        if NEEDS.get(event) not in permissions
    ]
    return wrong


def page(state: State, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
    """GitHub's web pages: the one a manifest is sent to, and what its button does. Status, content, headers."""
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    given = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
    kind = {"Content-Type": "text/html; charset=utf-8"}
    if method == "POST" and path.endswith("/settings/apps/new"):
        manifest = json.loads(given["manifest"])
        if wrong := problems(manifest):
            return 422, html.escape("; ".join(wrong)).encode(), kind
        code = secrets.token_hex(20)
        state.made[code] = Made(manifest, asked.get("state", ""))
        name = html.escape(manifest["name"], quote=True)
        return 200, PAGE.format(query=urlencode({"code": code}), name=name).encode(), kind
    if method == "POST" and path == "/settings/apps/create":
        made = state.made[asked["code"]]
        back = f"{made.manifest['redirect_url']}?{urlencode({'code': asked['code'], 'state': made.state})}"
        return 302, b"", {"Location": back}
    return 200, b"<h1>GitHub</h1>" + html.escape(path).encode(), kind


def exchange(state: State, code: str, web: str) -> dict[str, Any] | None:
    """The App's secrets for a code, which counts once; None for another. It is the rig's App whatever was asked for."""
    made = state.made.pop(code, None)
    if made is None:
        return None
    app = App()
    slug = made.manifest["name"].replace(" ", "-").replace(".", "-").lower()
    when = "2026-11-21T05:00:00Z"
    return {
        "id": app.id,
        "slug": slug,
        "node_id": "A_12",
        "owner": {"login": "octo", "id": 1},
        "name": made.manifest["name"],
        "description": made.manifest.get("description"),
        "external_url": made.manifest["url"],
        "html_url": f"{web}/apps/{slug}",
        "created_at": when,
        "updated_at": when,
        "permissions": made.manifest["default_permissions"],
        "events": made.manifest["default_events"],
        "client_id": "Iv1.8a61f9b3a7aba766",
        "client_secret": secrets.token_hex(20),
        "webhook_secret": app.secret,
        "pem": app.key,
    }
