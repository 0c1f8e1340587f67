"""The first start: a page with one button, by which GitHub makes the App and hands its secrets over.

GitHub's manifest flow: a form with a manifest and a `state` goes to GitHub, which sends the browser back with a code;
the code is turned into the App's id, private key and webhook secret.
https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest

Only who was told the key that the console shows gets in, so that nobody else on the network can make the App theirs.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from repairbot.github.errors import GitHubError, Unreachable
from repairbot.github.transport import Site, Transport
from repairbot.service.login import HASH, hashed, new_token, same
from repairbot.service.pages import PLAIN, page

FILE: Final = "app.json"
SECRETS: Final = ("APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET")
PERMISSIONS: Final = {"contents": "read", "pull_requests": "write", "checks": "write", "issues": "write"}
"""The least with which reviews are whole and commands are answered (reactions belong to issues); `metadata: read` comes
with any. Source: github.md of this project, and GitHub's table of permissions required for GitHub Apps."""
EVENTS: Final = ("pull_request", "check_run", "check_suite", "issue_comment", "pull_request_review_comment")
"""Those to subscribe to; installation and installation_repositories come to every App."""
_COOKIE: Final = "repairbot_setup"
_HOUR: Final = 3_600.0
_STATES: Final = 32
_CODE: Final = re.compile(r"[0-9A-Za-z_-]{1,200}")
_ORGANISATION: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,38})")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})


class SetupError(Exception):
    """The App could not be set up. One line for a person."""


def wanted(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether nothing at all says which App this is, so that one is to be made."""
    named = any(environment.get(name) or environment.get(f"{name}_FILE") for name in SECRETS)
    return not (named or environment.get("PRIVATE_KEY_PATH") or (folder / FILE).exists())


def settings(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment, and what the setup kept where the environment is silent. Raises SetupError."""
    kept = _kept(folder)
    for name in list(kept):
        others = (name, f"{name}_FILE", *(("PRIVATE_KEY_PATH",) if name == "PRIVATE_KEY" else ()))
        if any(environment.get(other) for other in others):
            del kept[name]
    return {**kept, **environment}


def _kept(folder: Path) -> dict[str, str]:
    try:
        held = json.loads((folder / FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no JSON"
        raise SetupError(f"{folder / FILE} cannot be read: {why}") from None
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise SetupError(f"{folder / FILE} is none of ours: a JSON object of texts")
    return held


def keep(folder: Path, held: Mapping[str, str]) -> None:
    """Write the secrets, whole or not at all, for this user alone. Raises SetupError; what is there stays."""
    final = folder / FILE
    _open(folder)
    try:
        # mkstemp makes it with mode 0600.
        number, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=folder)
        try:
            with os.fdopen(number, "w") as file:
                json.dump(dict(held), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.link(name, final)  # unlike a rename it never replaces
        finally:
            os.unlink(name)
        line = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(line)
        finally:
            os.close(line)
    except FileExistsError:
        raise SetupError(f"{final} is there already: this App is set up") from None
    except OSError as error:
        raise SetupError(f"the App's secrets cannot be written to {final}: {error.strerror}") from None


def _open(folder: Path) -> None:
    """Have a folder that can be written to. Raises SetupError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"{folder} cannot be made: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SetupError(f"{folder} cannot be written to by this user")


def manifest(public: str, back: str, *, push: bool = False) -> dict[str, Any]:
    """What GitHub is to make. `public`: where it reaches us; `back`: where it sends the browser; `push`: repairs may be
    committed."""
    host = (urlsplit(public).hostname or "").removeprefix("www.")
    # GitHub takes 34 characters, and the name must be free on all of it.
    name = f"repairbot {secrets.token_hex(2)}" if host in _HERE else f"repairbot {host}"[:34]
    return {
        "name": name,
        "url": public,
        "hook_attributes": {"url": f"{public}/webhook", "active": True},
        "redirect_url": back,
        "description": "Finds memory and resource leaks in pull requests and repairs them; every patch is checked.",
        "public": False,
        "default_permissions": {**PERMISSIONS, **({"contents": "write"} if push else {})},
        "default_events": list(EVENTS),
    }


@dataclass(slots=True)
class Setup:
    """One setup that is open. `key`: what the console shows. `public`: the address as it was set, "" for that by which
    the page is read. `done` is called when the secrets are written and the last page was sent."""

    folder: Path
    site: Site
    done: Callable[[], None]
    public: str = ""
    key: str = field(default_factory=new_token, repr=False)
    clock: Callable[[], float] = time.monotonic
    _states: dict[str, float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: bool = False

    def app(self) -> Starlette:
        """The server while there is no App. Deliveries are turned away, so that GitHub lists them as failed."""
        return Starlette(
            routes=[
                Route("/", self._front),
                Route("/setup", self._page),
                Route("/setup/callback", self._callback),
                Route("/healthz", self._healthy),
                Route("/readyz", self._unready),
                Route("/webhook", self._unready, methods=["POST"]),
            ]
        )

    async def _healthy(self, _: Request) -> Response:
        return PlainTextResponse("ok\n", headers=PLAIN)

    async def _unready(self, _: Request) -> Response:
        return PlainTextResponse("not set up yet\n", 503, PLAIN)

    async def _front(self, _: Request) -> Response:
        return RedirectResponse("/setup", 303, PLAIN)

    async def _page(self, request: Request) -> Response:
        if self._over:
            return self._closed()
        given = request.query_params.get("key", "")
        if given and same(given, self.key):
            # The key leaves the address at once: addresses are kept in histories and logs.
            moved = RedirectResponse("/setup", 303, PLAIN)
            moved.set_cookie(
                _COOKIE,
                self.key,
                httponly=True,
                samesite="lax",
                path="/setup",
                secure=request.url.scheme == "https",
            )
            return moved
        if not self._knows(request):
            words = "Open the address that repairbot printed when it started; it holds the key to this page."
            return page("app_message", status=403, title="Not set up yet", words=words)
        try:
            _open(self.folder)  # before GitHub makes an App whose secrets would be lost
        except SetupError as error:
            return page("app_message", status=500, title="Not set up yet", words=f"{error}.", link="/setup")
        asked = request.query_params
        wrong = []
        organisation = asked.get("organisation", "").strip()
        if organisation and not _ORGANISATION.fullmatch(organisation):
            wrong.append("That is no organisation's name on GitHub.")
            organisation = ""
        here = _origin(request.url)
        public = asked.get("public", "").strip().rstrip("/") or self.public or here
        if not _address(public):
            wrong.append("The public address must be like https://bot.example.org.")
            public = self.public or here
        push = asked.get("push") == "yes"
        state = self._state()
        to = f"/organizations/{quote(organisation)}" if organisation else ""
        return page(
            "app_setup",
            forms_to=_server(self.site.server),
            action=f"{self.site.server}{to}/settings/apps/new?state={quote(state)}",
            manifest=json.dumps(manifest(public, f"{here}/setup/callback", push=push)),
            public=public,
            unreachable=urlsplit(public).hostname in _HERE,
            organisation=organisation,
            push=push,
            wrong=wrong,
            permissions={**PERMISSIONS, **({"contents": "write"} if push else {})},
            folder=str(self.folder),
            server=urlsplit(self.site.server).hostname,
        )

    async def _callback(self, request: Request) -> Response:
        if self._over:
            return self._closed()
        if not (self._knows(request) and self._issued(request.query_params.get("state", ""))):
            words = "This answer was not asked for from here, or over an hour ago: start again."
            return page("app_message", status=403, title="Not set up", words=words, link="/setup")
        code = request.query_params.get("code", "")
        try:
            if not _CODE.fullmatch(code):
                raise SetupError("GitHub sent no code")
            token = new_token()
            held = await run_in_threadpool(self._convert, code)
            await run_in_threadpool(keep, self.folder, {**held, HASH: hashed(token)})
        except (SetupError, GitHubError) as error:
            return page("app_message", status=502, title="Not set up", words=f"{error}.", link="/setup")
        self._over = True
        answer = page("app_made", token=token, app=held["APP_URL"], folder=str(self.folder))
        answer.delete_cookie(_COOKIE, path="/setup")
        answer.background = BackgroundTask(self.done)
        return answer

    def _closed(self) -> Response:
        words = "This App is set up. The page is closed."
        return page("app_message", status=410, title="Set up", words=words, link="/")

    def _knows(self, request: Request) -> bool:
        return same(request.cookies.get(_COOKIE, ""), self.key)

    def _state(self) -> str:
        """A new state, which counts for an hour."""
        state = new_token()
        with self._lock:
            self._states[state] = self.clock()
            while len(self._states) > _STATES:
                del self._states[next(iter(self._states))]
        return state

    def _issued(self, state: str) -> bool:
        """Whether we made this state lately; each counts once. Every one is compared, and in constant time."""
        with self._lock:
            now = self.clock()
            found = [each for each, at in self._states.items() if same(each, state) and now - at < _HOUR]
            for each in found:
                del self._states[each]
        return bool(found)

    def _convert(self, code: str) -> dict[str, str]:
        """The code turned into the App's secrets. Raises GitHubError, SetupError."""

        def lost() -> None:
            raise Unreachable(
                "GitHub's answer was lost, and a code counts once: delete the App on GitHub and start again"
            )

        transport = Transport("", self.site)
        try:
            held = transport.write("POST", f"/app-manifests/{code}/conversions", {}, lost)
        finally:
            transport.close()
        try:
            app, key = int(held["id"]), str(held["pem"])
            secret, url = str(held["webhook_secret"] or ""), str(held["html_url"])
        except (KeyError, TypeError, ValueError) as error:
            raise SetupError(
                f"GitHub's answer lacks what is needed ({type(error).__name__} {error})"
            ) from None
        if not secret or "PRIVATE KEY-----" not in key or not _address(url, path=True):
            raise SetupError("GitHub's answer holds no webhook secret, key or address")
        return {"APP_ID": str(app), "PRIVATE_KEY": key, "WEBHOOK_SECRET": secret, "APP_URL": url}


def _origin(url: URL) -> str:
    return f"{url.scheme}://{url.netloc}"


def _server(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _address(text: str, *, path: bool = False) -> bool:
    """Whether this is the address of a server, and nothing that a header or page could be broken with."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    del port
    fits = re.fullmatch(r"https?://[0-9A-Za-z.\-:\[\]]+(?:/[0-9A-Za-z._~%/-]*)?", text) is not None
    return fits and bool(parts.hostname) and (path or not parts.path)
