"""Who the App is to GitHub: itself by its private key, and an installation by tokens with the least that a job needs.

A token is for one repository and some permissions, is kept in memory alone, and is renewed before it ends (after an
hour). https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from github import Auth
from jwt.exceptions import InvalidKeyError

from repairbot.github.client import repository
from repairbot.github.errors import BadToken, Denied, Refused
from repairbot.github.limiter import Limiter
from repairbot.github.transport import Site, Transport

Level = Literal["read", "write"]
Permissions = Mapping[str, Level]
REVIEW: Final[Permissions] = {"contents": "read", "pull_requests": "write", "checks": "write"}
COMMANDS: Final[Permissions] = {**REVIEW, "contents": "write", "issues": "write"}
"""Also for commits and reactions, as far as the owner granted it."""
READ: Final[Permissions] = {"contents": "read"}
_LEVELS: Final = {"read": 1, "write": 2, "admin": 3}
_MARGIN: Final = 600.0
"""Seconds that a token must still live when a job begins with it."""
PATIENCE: Final = 20.0
"""Seconds of pauses that a job waits for in its place; for longer ones it comes back later."""
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """A token. `ends`: seconds since 1970."""

    value: str = field(repr=False)
    ends: float = 0.0


@dataclass(slots=True)
class App:
    """The App. Its methods may be called from any thread and raise GitHubError."""

    id: int
    key: str = field(repr=False)
    site: Site = field(default_factory=Site)
    now: Callable[[], float] = time.time
    _tokens: dict[tuple[int, str, tuple[tuple[str, str], ...]], Held] = field(
        default_factory=dict, repr=False
    )
    _commits: dict[int, tuple[bool, float]] = field(default_factory=dict, repr=False)
    _limiters: dict[int, Limiter] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def itself(self) -> Transport:
        """The way to GitHub as the App; to be closed."""
        return Transport("", self.site, patience=PATIENCE, app=Auth.AppAuth(self.id, self.key))

    def check(self) -> str:
        """The App's name, if GitHub knows it by this key. Raises BadToken where it does not."""
        return str(self._asked("GET", "/app")["name"])

    def installed(self, installation: int, repo: str, wanted: Permissions) -> Transport:
        """The way to GitHub as an installation, for one repository; to be closed."""
        with self._lock:
            limiter = self._limiters.setdefault(installation, Limiter())
        return Transport(self.token(installation, repo, wanted), self.site, limiter, patience=PATIENCE)

    def everywhere(self, installation: int, wanted: Permissions) -> Transport:
        """The way to GitHub as an installation, for all its repositories; to be closed."""
        body = {"permissions": dict(wanted)}
        answer = self._asked("POST", f"/app/installations/{int(installation)}/access_tokens", body)
        return Transport(str(answer["token"]), self.site, patience=PATIENCE)

    def token(self, installation: int, repo: str, wanted: Permissions) -> str:
        """A token for one repository, with what is wanted as far as the owner granted it."""
        key = (installation, repository(repo), tuple(sorted(wanted.items())))
        with self._lock:
            held = self._tokens.get(key)
        if held is None or held.ends < self.now() + _MARGIN:
            held = self._made(installation, repo, wanted)
            with self._lock:
                if len(self._tokens) >= _MOST:
                    self._tokens.clear()
                self._tokens[key] = held
        return held.value

    def may_commit(self, installation: int) -> bool:
        """Whether the owner granted that repairs be committed. Asked for once an hour."""
        with self._lock:
            found = self._commits.get(installation)
        if found is None or found[1] < self.now():
            there = self._asked("GET", f"/app/installations/{int(installation)}")["permissions"]
            found = (granted(COMMANDS, there).get("contents") == "write", self.now() + 3_600)
            with self._lock:
                self._commits[installation] = found
        return found[0]

    def forget(self, installation: int) -> None:
        """Make new tokens from now on: it was changed, or GitHub refused one."""
        with self._lock:
            self._commits.pop(installation, None)
            for key in [key for key in self._tokens if key[0] == installation]:
                del self._tokens[key]

    def _made(self, installation: int, repo: str, wanted: Permissions) -> Held:
        place = f"/app/installations/{int(installation)}"
        names = [repo.partition("/")[2]]
        try:
            answer = self._asked(
                "POST", f"{place}/access_tokens", {"repositories": names, "permissions": dict(wanted)}
            )
        except Refused:
            # GitHub gives no token with less than was asked for, so ask for what there is.
            there = self._asked("GET", place)["permissions"]
            less = granted(wanted, there)
            if not less or ("contents" in wanted and "contents" not in less):
                raise Denied(
                    "the App may not read the code: in its settings on GitHub give it the permissions of the README's "
                    "table, and have the owner of the installation accept them"
                ) from None
            answer = self._asked(
                "POST", f"{place}/access_tokens", {"repositories": names, "permissions": less}
            )
        ends = datetime.fromisoformat(str(answer["expires_at"])).timestamp()
        return Held(str(answer["token"]), ends)

    def _asked(self, verb: str, place: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
        transport = self.itself()
        try:
            held = transport.get(place) if body is None else transport.write(verb, place, body)
        except BadToken:
            raise BadToken(
                f"GitHub does not know App {self.id} by this private key: compare APP_ID and PRIVATE_KEY, and the "
                "server's clock"
            ) from None
        except InvalidKeyError:
            raise BadToken("PRIVATE_KEY is no RSA key: give the whole .pem file that GitHub made") from None
        finally:
            transport.close()
        return dict(held)


def granted(wanted: Permissions, there: object) -> dict[str, Level]:
    """What is wanted, as far as it is there."""
    held = there if isinstance(there, Mapping) else {}
    found: dict[str, Level] = {}
    for name, level in wanted.items():
        most = _LEVELS.get(str(held.get(name)), 0)
        if most:
            found[name] = level if most >= _LEVELS[level] else "read"
    return found
