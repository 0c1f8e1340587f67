"""PyGithub as the way to GitHub: authentication, connections and errors are its own, the retries are ours.

PyGithub's retry would send a write again after a 502 although it was done, so it is switched off. Here reads
are repeated whenever an answer is lost; a write is repeated when it was turned away (403 or 429 about rates),
and after a lost answer only when `found` says that it was not done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import github
import requests
from github import Auth, Github, GithubException

from repairbot import __version__
from repairbot.github.errors import BadToken, Busy, Denied, GitHubError, NotThere, Refused, Unreachable
from repairbot.github.limiter import Clock, Limiter, RealClock
from repairbot.github.redact import redact

ATTEMPTS: Final = 5
TIMEOUT: Final = 30
PATIENCE: Final = 900.0
"""Seconds that a job waits for GitHub's limits in all, before it gives up and says so."""
PAUSE: Final = 60.0
"""Seconds before the first repeat when GitHub turns a request away and does not say for how long; then twice
as long each time. Source: "wait for at least one minute" (rate limits for the REST API)."""
LOST_PAUSE: Final = 1.0
"""Seconds before the first repeat or look after a lost answer; then twice as long each time."""
PAGE: Final = 100

_CURSOR: Final = re.compile(r'[?&]cursor=([^&>]+)[^>]*>; rel="next"')

Json = Any
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Site:
    """Where GitHub is: the addresses of its REST API, its GraphQL API, and its pages and repositories."""

    api: str = "https://api.github.com"
    graphql: str = "https://api.github.com/graphql"
    server: str = "https://github.com"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Site:
        """As GITHUB_API_URL, GITHUB_GRAPHQL_URL and GITHUB_SERVER_URL say. Raises GitHubError."""
        api = environment.get("GITHUB_API_URL") or cls().api
        server = environment.get("GITHUB_SERVER_URL") or cls().server
        graphql = environment.get("GITHUB_GRAPHQL_URL") or _graphql(api)
        for name, url in (("API", api), ("GRAPHQL", graphql), ("SERVER", server)):
            parts = urlsplit(url)
            if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
                raise GitHubError(
                    f"GITHUB_{name}_URL is no address of a server (https://HOST/...): {redact(url)!r}"
                )
        if not graphql.endswith("/graphql"):
            raise GitHubError(f"GITHUB_GRAPHQL_URL must end in /graphql: {graphql!r}")
        return cls(api.rstrip("/"), graphql, server.rstrip("/"))


def _graphql(api: str) -> str:
    return api.rstrip("/").removesuffix("/v3") + "/graphql"


@dataclass(slots=True)
class Transport:
    """Requests to one GitHub with one token. `requests`: how many were sent; `waited`: seconds of pauses.

    `patience`: seconds of pauses in all, before it gives up; `app`: asks as an App, in place of a token.
    """

    token: str
    site: Site = field(default_factory=Site)
    limiter: Limiter = field(default_factory=Limiter)
    clock: Clock = field(default_factory=RealClock)
    patience: float = PATIENCE
    app: Auth.AppAuth | None = None
    requests: int = 0
    waited: float = 0.0
    _rest: Github = field(init=False)
    _graph: Github = field(init=False)

    def __post_init__(self) -> None:
        self._rest = self._made(self.site.api)
        same = _graphql(self.site.api) == self.site.graphql
        self._graph = self._rest if same else self._made(self.site.graphql.removesuffix("/graphql"))

    @property
    def limit(self) -> tuple[int, int, float]:
        """What GitHub said last: requests left, of how many, until when (seconds since 1970); -1 where it did not."""
        requester = self._rest.requester
        left, most = requester.rate_limiting
        return left, most, float(requester.rate_limiting_resettime)

    def close(self) -> None:
        """Close the connections."""
        self._rest.close()
        self._graph.close()

    def get(self, path: str, **query: str | int) -> Json:
        """Read one thing. Raises GitHubError."""
        return self._read(lambda: self._send(self._rest, "GET", path, query=query))[1]

    def pages(self, path: str, **query: str | int) -> Iterator[Json]:
        """Read a list, page after page. Raises GitHubError."""
        number = 1
        while True:
            asked = {**query, "per_page": PAGE, "page": number}
            headers, page = self._read(lambda asked=asked: self._send(self._rest, "GET", path, query=asked))  # type: ignore[misc]
            yield page
            if 'rel="next"' not in headers.get("link", ""):
                return
            number += 1

    def cursor_pages(self, path: str, **query: str | int) -> Iterator[Json]:
        """Read a list whose pages are told apart by a cursor and not by numbers. Raises GitHubError."""
        asked = {**query, "per_page": PAGE}
        while True:
            headers, page = self._read(lambda asked=asked: self._send(self._rest, "GET", path, query=asked))  # type: ignore[misc]
            yield page
            found = _CURSOR.search(headers.get("link", ""))
            if found is None:
                return
            asked = {**asked, "cursor": unquote(found[1])}

    def query(self, document: str, **variables: Json) -> Json:
        """Read by GraphQL: the `data`. Raises GitHubError."""
        return self._read(lambda: ({}, self._graphql(document, variables)))[1]

    def mutate(self, document: str, **variables: Json) -> Json:
        """Change by GraphQL what can be changed twice without harm: the `data`. Raises GitHubError."""
        return self._write(lambda: self._graphql(document, variables), None)

    def write(
        self, verb: str, path: str, body: Mapping[str, Json], found: Callable[[], Found | None] | None = None
    ) -> Json | Found:
        """Send a write. What comes back is the answer, or after a lost one what `found` found.

        Without `found` the write can be repeated without harm (a PATCH that says the same). Raises GitHubError.
        """
        return self._write(lambda: self._send(self._rest, verb, path, body=body)[1], found)

    def _made(self, base: str) -> Github:
        return Github(
            auth=self.app or (Auth.Token(self.token) if self.token else None),
            base_url=base,
            timeout=TIMEOUT,
            user_agent=f"repairbot/{__version__}",
            per_page=PAGE,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )

    def _read(self, send: Callable[[], Found]) -> Found:
        for attempt in range(ATTEMPTS):
            try:
                return send()
            except _Lost as lost:
                self._pause(LOST_PAUSE * 2**attempt, attempt, lost.why, Unreachable)
            except _TurnedAway as away:
                self._pause(away.pause or PAUSE * 2**attempt, attempt, away.why, Busy)
        raise AssertionError("the last attempt raises")

    def _write(self, send: Callable[[], Json], found: Callable[[], Found | None] | None) -> Json | Found:
        for attempt in range(ATTEMPTS):
            if wait := self.limiter.take(self.patience - self.waited):
                raise Busy("GitHub's limit on writes is used up for now", wait)
            try:
                return send()
            except _Lost as lost:
                self._pause(LOST_PAUSE * 2**attempt, attempt, lost.why, Unreachable, last=found is None)
                if found is not None and (there := found()) is not None:
                    return there
                if attempt + 1 == ATTEMPTS:
                    raise Unreachable(lost.why) from None
            except _TurnedAway as away:
                self._pause(away.pause or PAUSE * 2**attempt, attempt, away.why, Busy)
        raise AssertionError("the last attempt raises")

    def _pause(
        self, seconds: float, attempt: int, why: str, error: type[GitHubError], *, last: bool = True
    ) -> None:
        """Wait before the next attempt. Raises `error` where there is none, or where it would take too long."""
        if last and attempt + 1 == ATTEMPTS:
            raise error(why)
        if self.waited + seconds > self.patience:
            raise Busy(f"{why}; it would take {seconds:.0f} s more: run again later", seconds)
        self.waited += seconds
        self.clock.sleep(seconds)

    def _graphql(self, document: str, variables: Mapping[str, Json]) -> Json:
        body = {"query": document, "variables": dict(variables)}
        _, held = self._send(self._graph, "POST", self.site.graphql, body=body)
        errors = held.get("errors") or ()
        if not errors:
            return held["data"]
        kinds = {str(each.get("type", "")) for each in errors}
        why = redact("; ".join(str(each.get("message", "")) for each in errors), self.token)
        if "RATE_LIMITED" in kinds:
            raise _TurnedAway(f"GitHub limits the rate of requests: {why}", 0.0)
        if "FORBIDDEN" in kinds or "INSUFFICIENT_SCOPES" in kinds:
            raise Denied(f"the token may not do this: {why}")
        if "NOT_FOUND" in kinds:
            raise NotThere(why)
        raise GitHubError(f"GitHub's GraphQL API refused a request: {why}")

    def _send(
        self,
        door: Github,
        verb: str,
        url: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Json] | None = None,
    ) -> tuple[Mapping[str, str], Json]:
        self.requests += 1
        try:
            headers, data = door.requester.requestJsonAndCheck(
                verb,
                url,
                parameters=dict(query or {}),
                headers={"Accept": "application/vnd.github+json"},
                input=dict(body) if body is not None else None,
            )
        except GithubException as error:
            raise self._meant(error, verb, urlsplit(url).path) from None
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            raise _Lost(
                f"no answer from {self.site.api} ({_cause(error)}): is the network up, the address right?"
            ) from None
        except (requests.RequestException, RuntimeError) as error:  # RuntimeError: sent on to another server
            raise GitHubError(f"{self.site.api}: {redact(str(error), self.token)}") from None
        return headers, data

    def _meant(self, error: GithubException, verb: str, path: str) -> Exception:
        """What an answer other than 2xx means."""
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        data = error.data if isinstance(error.data, dict) else {}
        said = redact(str(data.get("message") or error.message or "no reason given"), self.token)
        place = f"{verb} {path}"
        if error.status >= 500:
            return _Lost(f"GitHub answered {error.status} to {place}: see https://www.githubstatus.com")
        if error.status == 401:
            return BadToken(
                f"GitHub does not accept the token ({said}): is GITHUB_TOKEN right, and not expired?"
            )
        if error.status == 429 or (error.status == 403 and _about_rates(error, headers)):
            return _TurnedAway(
                f"GitHub limits the rate of requests ({place}: {said})", self._asked_pause(headers)
            )
        if error.status == 403:
            return Denied(f"the token may not do this ({place}: {said})")
        if error.status in (404, 410):
            return NotThere(f"{place}: {said}")
        if error.status == 422:
            reasons = tuple(redact(_reason(each), self.token) for each in data.get("errors") or ())
            return Refused(f"GitHub refused {place}: {'; '.join((said, *reasons))}", reasons or (said,))
        return GitHubError(f"GitHub answered {error.status} to {place}: {said}")

    def _asked_pause(self, headers: Mapping[str, str]) -> float:
        """Seconds that GitHub asks us to wait; 0 when it does not say."""
        for name, now in (("retry-after", 0.0), ("x-ratelimit-reset", self.clock.wall())):
            if name == "x-ratelimit-reset" and headers.get("x-ratelimit-remaining") != "0":
                continue
            if headers.get(name, "").isdecimal():
                return max(1.0, float(headers[name]) - now)
        return 0.0


class _Lost(Exception):
    """No answer, or one of the server's own failures: it may have been done."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _TurnedAway(Exception):
    """Not done, for the rate of requests. `pause`: seconds, 0 when GitHub does not say."""

    def __init__(self, why: str, pause: float) -> None:
        super().__init__(why)
        self.why, self.pause = why, pause


def _about_rates(error: GithubException, headers: Mapping[str, str]) -> bool:
    return (
        isinstance(error, github.RateLimitExceededException)
        or "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
    )


def _reason(each: object) -> str:
    """One of the `errors` of a 422: a text, or an object with a message, or with a field and a code."""
    if not isinstance(each, dict):
        return str(each)
    return str(each.get("message") or " ".join(str(each[key]) for key in ("field", "code") if key in each))


def _cause(error: BaseException) -> str:
    """The innermost reason of a failed connection, in a few words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return redact(str(getattr(error, "strerror", "") or type(error).__name__))
