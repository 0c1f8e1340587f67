"""What can go wrong with GitHub. Each message is one line for a person, with what to do next, and holds no token."""

from __future__ import annotations


class GitHubError(Exception):
    """Something about GitHub failed."""


class BadToken(GitHubError):
    """GitHub does not know the token."""


class NotThere(GitHubError):
    """No such thing, or the token may not see it (GitHub says the same of both)."""


class Denied(GitHubError):
    """The token may not do this. `what`: what was to be done."""


class Refused(GitHubError):
    """GitHub found fault with what was sent (422). `reasons`: its words."""

    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


class Unreachable(GitHubError):
    """No answer, or none but errors of the server, after all attempts."""


class Busy(GitHubError):
    """GitHub asks us to wait longer than is sensible. `pause`: seconds from now, as far as it said."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class HeadMoved(GitHubError):
    """The pull request has a newer head: whoever runs for that one posts."""
