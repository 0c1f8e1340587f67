"""The App's side of GitHub: who it is, its installations and their tokens, and the deliveries to its webhook.

Sources: docs.github.com, "REST API endpoints for GitHub Apps", "... for GitHub App webhooks", "Webhook headers".
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import answers
from .answers import Json
from .state import Account, Level, State, Token

SLUG = "repairbot-of-the-rig"
GRANTED: dict[str, Level] = {
    "metadata": "read",
    "contents": "read",
    "pull_requests": "write",
    "checks": "write",
    "issues": "write",
}
HOUR = 3600.0
LONGEST = 600
"""Seconds that an App's JWT may live."""


@cache
def key() -> str:
    """The App's private key, PEM; one a process is enough."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@dataclass(slots=True)
class Installation:
    """One installation. `permissions`: what its owner granted; `gone`: suspended or removed."""

    id: int
    permissions: dict[str, Level] = field(default_factory=lambda: dict(GRANTED))
    gone: bool = False


@dataclass(slots=True)
class Delivery:
    """One attempt to deliver an event. `guid` stays the same when it is delivered again; `status`: 0 without answer."""

    id: int
    guid: str
    event: str
    payload: Json
    at: float
    status: int = 0
    again: bool = False
    seconds: float = 0.0


@dataclass(slots=True)
class Issued:
    """A token that was given out."""

    installation: int
    repositories: tuple[str, ...]
    permissions: dict[str, Level]
    value: str


@dataclass(slots=True)
class App:
    """The App and where its webhook is. `lives`: seconds that tokens live; `everywhere`: every number is one of its
    installations."""

    id: int = 12345
    secret: str = "hush"
    hook: str = ""
    key: str = field(default_factory=key)
    lives: float = HOUR
    everywhere: bool = False
    installations: dict[int, Installation] = field(default_factory=lambda: {3: Installation(3)})
    deliveries: list[Delivery] = field(default_factory=list)
    issued: list[Issued] = field(default_factory=list)
    ends: dict[str, float] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def account(self) -> Account:
        """Who writes with its tokens."""
        return Account(f"{SLUG}[bot]", bot=True, role="write")

    def settings(self) -> dict[str, str]:
        """What the App is told by its environment."""
        return {"APP_ID": str(self.id), "PRIVATE_KEY": self.key, "WEBHOOK_SECRET": self.secret}

    def knows(self, token: str) -> bool:
        """Whether this is a JWT of the App's own, signed with its key, that lives now and not for too long."""
        public = serialization.load_pem_private_key(self.key.encode(), None).public_key()
        try:
            held = jwt.decode(token, public, algorithms=["RS256"], options={"require": ["iat", "exp", "iss"]})  # type: ignore[arg-type]
        except jwt.InvalidTokenError:
            return False
        return bool(held["iss"] == str(self.id) and held["exp"] <= time.time() + LONGEST)

    def installation(self, number: int) -> Installation | None:
        """An installation that is there."""
        if self.everywhere:
            self.installations.setdefault(number, Installation(number))
        found = self.installations.get(number)
        return None if found is None or found.gone else found

    def deliver(self, event: str, payload: Json, guid: str = "", again: bool = False) -> Delivery:
        """Send an event to the webhook, signed, as GitHub does: once, and it waits 10 s for the answer."""
        made = Delivery(
            next(self.numbers), guid or str(uuid.uuid4()), event, payload, time.time(), again=again
        )
        body = json.dumps(payload).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        asked = urllib.request.Request(
            self.hook,
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": "GitHub-Hookshot/rig",
                "X-GitHub-Event": event,
                "X-GitHub-Delivery": made.guid,
                "X-Hub-Signature-256": f"sha256={signature}",
            },
        )
        begun = time.perf_counter()
        try:
            with urllib.request.urlopen(asked, timeout=10) as answered:
                made.status = answered.status
        except urllib.error.HTTPError as error:
            made.status = error.code
        except OSError:
            made.status = 0
        made.seconds = time.perf_counter() - begun
        self.deliveries.append(made)
        return made


def opened(
    number: int, head: str, repo: str = "octo/leaky", installation: int = 3, action: str = "opened"
) -> Json:
    """The payload of a pull request that was opened or pushed to, as far as anybody reads it."""
    return {
        "action": action,
        "number": number,
        "pull_request": {"number": number, "head": {"sha": head, "repo": {"full_name": repo}}},
        "repository": {"full_name": repo},
        "installation": {"id": installation},
        "sender": {"login": "mona", "type": "User"},
    }


def answer(
    app: App, state: State, method: str, path: str, query: dict[str, list[str]], body: Any, web: str
) -> tuple[int, Any] | None:
    """Answer the App itself. None where it is none of these operations."""
    if method == "GET" and path == "/app":
        return 200, {
            "id": app.id,
            "slug": SLUG,
            "name": SLUG,
            "permissions": GRANTED,
            "events": [],
            "html_url": f"{web}/apps/{SLUG}",
        }
    if method == "GET" and path == "/app/installations":
        return 200, [_shown(app, each) for each in app.installations.values() if not each.gone]
    if found := re.fullmatch(r"/app/installations/(\d+)(/access_tokens)?", path):
        held = app.installation(int(found[1]))
        if held is None:
            return 404, {"message": "Not Found"}
        if method == "GET" and not found[2]:
            return 200, _shown(app, held)
        if method == "POST" and found[2]:
            return _token(app, state, held, body)
    if method == "GET" and re.fullmatch(r"/(orgs|users)/[^/]+/installation", path):
        if path != f"/users/{state.full_name.partition('/')[0]}/installation":
            return 404, {"message": "Not Found"}
        return 200, _shown(app, next(iter(app.installations.values())))
    if method == "GET" and path == f"/repos/{state.full_name}/installation":
        return 200, _shown(app, next(iter(app.installations.values())))
    return _deliveries(app, method, path, query)


def _deliveries(app: App, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, Any] | None:
    if method == "GET" and path == "/app/hook/deliveries":
        before = int(query.get("cursor", ["0"])[0].removeprefix("v1_") or 0)
        wanted = query.get("status", [""])[0]
        rows = [each for each in app.deliveries if not before or each.id < before]
        rows = [
            each
            for each in rows
            if not wanted or (each.status >= 400 or not each.status) == (wanted == "failure")
        ]
        size = int(query.get("per_page", ["30"])[0])
        return 200, [_delivery(each) for each in sorted(rows, key=lambda each: -each.id)[:size]]
    if found := re.fullmatch(r"/app/hook/deliveries/(\d+)(/attempts)?", path):
        held = next((each for each in app.deliveries if each.id == int(found[1])), None)
        if held is None:
            return 404, {"message": "Not Found"}
        if method == "GET" and not found[2]:
            return 200, _delivery(held)
        if method == "POST" and found[2]:
            asked = (held.event, held.payload, held.guid, True)
            threading.Thread(target=app.deliver, args=asked, daemon=True).start()
            return 202, {}
    return None


def _shown(app: App, held: Installation) -> Json:
    return {
        "id": held.id,
        "app_id": app.id,
        "app_slug": SLUG,
        "account": answers.account(Account("octo")),
        "permissions": held.permissions,
        "repository_selection": "selected",
        "events": [],
    }


def _token(app: App, state: State, held: Installation, body: Any) -> tuple[int, Any]:
    wanted: dict[str, Level] = body.get("permissions") or dict(held.permissions)
    names = tuple(body.get("repositories") or ())
    if any(name != state.full_name.partition("/")[2] for name in names):
        return 422, {"message": "There is at least one repository that does not exist or is not accessible."}
    for name, level in wanted.items():
        if held.permissions.get(name) not in (("write",) if level == "write" else ("read", "write")):
            return 422, {"message": "The permissions requested are not granted to this installation."}
    ends = time.time() + app.lives
    # As they look since April 2026: ghs_APPID_JWT.
    signed = jwt.encode({"jti": uuid.uuid4().hex, "exp": int(ends)}, "k" * 32, algorithm="HS256")
    value = f"ghs_{app.id}_{signed}"
    state.tokens[value] = Token(app.account, {"metadata": "read", **wanted})
    state.accounts.setdefault(app.account.login, app.account)
    app.ends[value] = ends
    app.issued.append(Issued(held.id, names, wanted, value))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    return 201, {
        "token": value,
        "expires_at": stamp,
        "permissions": wanted,
        "repository_selection": "selected",
    }


def _delivery(held: Delivery) -> Json:
    return {
        "id": held.id,
        "guid": held.guid,
        "delivered_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(held.at)),
        "redelivery": held.again,
        "duration": round(held.seconds, 3),
        "status": "OK" if 200 <= held.status < 300 else "failed",
        "status_code": held.status,
        "event": held.event,
        "action": held.payload.get("action"),
        "installation_id": (held.payload.get("installation") or {}).get("id"),
        "repository_id": None,
    }
