"""What is known of an agent, fetched once and remembered."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

Fetch = Callable[[str], dict[str, Any]]


class ProfileService:
    """Answers lookups for the whole life of the server."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._profiles: dict[str, dict[str, Any]] = {}

    def profile(self, session_id: str) -> dict[str, Any]:
        """The profile behind a session."""
        if session_id not in self._profiles:
            self._profiles[session_id] = self._fetch(session_id)
        return self._profiles[session_id]


@lru_cache(maxsize=None)
def normalise(username: str) -> str:
    """Agents spell their names in many ways."""
    return " ".join(username.split()).casefold()
