"""The login of the status page: one token, of which the App keeps a hash, in a cookie that no script can read."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from repairbot.service.settings import value

COOKIE: Final = "repairbot"
HASH: Final = "STATUS_TOKEN_SHA256"
_AGE: Final = 30 * 86_400
_LONGEST: Final = 256


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """What is kept of a token. It is long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal; takes as long where they are not."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Login:
    """Who may see names. `hash`: of the token, "" where none was set, so that nobody may."""

    hash: str = field(default="", repr=False)

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Login:
        """STATUS_TOKEN as somebody set it, else what the setup kept. Raises SettingsError."""
        token = value(settings, "STATUS_TOKEN")
        return cls(hashed(token) if token else settings.get(HASH, ""))

    def right(self, token: str) -> bool:
        """Whether this is the token."""
        return bool(self.hash) and len(token) <= _LONGEST and same(hashed(token), self.hash)

    def inside(self, request: Request) -> str:
        """The token that a request came with, "" where it came without or with a wrong one."""
        token = request.cookies.get(COOKIE, "")
        return token if self.right(token) else ""

    def let_in(self, request: Request, response: Response, token: str) -> None:
        """Have the browser keep the token."""
        response.set_cookie(
            COOKIE, token, max_age=_AGE, httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )


def form_key(token: str) -> str:
    """What a form of a page must hold: other sites, which cannot read the cookie, cannot make it."""
    return hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest()
