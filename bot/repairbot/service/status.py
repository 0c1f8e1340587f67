"""The status page: what was done, what waits, what failed and what to do about it.

Figures are for everybody who can reach the server; names and reasons, which may be private, for who has the token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from repairbot.reports.view import plural
from repairbot.service import curves
from repairbot.service.bodies import Bad, Bodies
from repairbot.service.ledger import Ledger, Process, Review
from repairbot.service.login import COOKIE, Login, form_key, same
from repairbot.service.pages import PLAIN, page
from repairbot.service.task import Failed, Standing

SHOWN: Final = 30
_FORMS: Final = Bodies(8_192)
_DAY: Final = 86_400.0


class Jobs(Protocol):
    """What the page asks of the queue. Raises SQLAlchemyError where its database is away."""

    def standing(self, most: int) -> Sequence[Standing]:
        """The jobs that run, then those that wait, the oldest first."""
        ...

    def depth(self) -> tuple[int, int, float]:
        """How many wait, how many run, and since when the oldest waits (seconds since 1970, 0 where none does)."""
        ...

    def failed(self, most: int) -> Sequence[Failed]:
        """Those that failed for good and were not run again, the newest first."""
        ...

    def again(self, job: str) -> bool:
        """Run one of these again; False where it is none of them."""
        ...


ADVICE: Final = {
    "Denied": "Compare the App's permissions with the README's table, have the owner accept them, run it again.",
    "BadToken": "Is the App's private key the right one, and the server's clock right? Then run it again.",
    "NotThere": "It is gone, or the App is no longer installed there. Otherwise run it again.",
    "Busy": "GitHub limits how fast we may work. Run it again in an hour.",
    "Unreachable": "GitHub did not answer. See https://www.githubstatus.com, then run it again.",
    "Refused": "GitHub found fault with what was posted. Run it again; if it stays so, report it with these words.",
    "ConfigError": "The settings on the base branch cannot be read. Correct them there, then run it again.",
    "BaselineError": "The baseline on the base branch cannot be read. Write it anew, then run it again.",
    "SourceError": "What is to be read is not in the repository. Correct the settings, then run it again.",
    "BrokenWorker": "The process that examines code could not start: is there memory left? Then run it again.",
    "Killed": "Its process died each time. Give the worker more memory, or exclude large files; then run it again.",
    "MemoryError": "Memory ran out. Give the worker more, or fewer jobs at a time, then run it again.",
}
"""By the name of an error: what a person does about it."""
_OTHERWISE: Final = "Run it again; if it stays so, look for its delivery in the log and report it."
GOOD: Final = frozenset({"clean", "done", "swept"})
POOR: Final = frozenset({"failed"})


def advice(said: str) -> str:
    """What to do about a failure that is described as `Error: words`."""
    return ADVICE.get(said.partition(":")[0], _OTHERWISE)


def ago(seconds: float) -> str:
    """A span of time in one figure: 40 s, 5 min, 3 h, 12 days."""
    for size, unit in ((_DAY, "day"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= size * (2 if unit == "day" else 1):
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' else ''}"
    return f"{max(0, int(seconds))} s"


def size(bytes_: float) -> str:
    """Memory for people."""
    return f"{bytes_ / (1 << 20):,.0f} MiB"


@dataclass(frozen=True, slots=True)
class Status:
    """The page and its forms. `server`: where GitHub's pages are, for links. `app`: the App's page there, or ""."""

    ledger: Ledger
    jobs: Jobs
    login: Login
    server: str
    app: str = ""
    now: Callable[[], float] = time.time

    def routes(self) -> list[Route]:
        """The page at `/`, and what its forms are sent to."""
        return [
            Route("/", self._page),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/retry", self._retry, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        token = self.login.inside(request)
        return await run_in_threadpool(self._shown, token, request.query_params.get("said", ""))

    def _shown(self, token: str, said: str = "", status: int = 200) -> Response:
        now = self.now()
        try:
            waiting, running, oldest = self.jobs.depth()
            trends = self.ledger.trends(now)
            processes = self.ledger.processes(now)
            held: dict[str, Any] = {
                "standing": self.jobs.standing(SHOWN) if token else (),
                "failed": self.jobs.failed(SHOWN) if token else (),
                "recent": _latest(self.ledger.recent(4 * SHOWN)) if token else (),
                "limits": self.ledger.limits(now),
            }
        except SQLAlchemyError:
            words = "Nothing is lost: deliveries are asked for again when it is back, and so is this page."
            return page("app_message", status=503, title="The database does not answer", words=words)
        workers = [each for each in processes if each.kind != "web"]
        return page(
            "app_status",
            status=status,
            form_key=form_key(token) if token else "",
            can_log_in=bool(self.login.hash),
            said=said if said in ("again", "gone", "wrong") else "",
            waiting=waiting,
            running=running,
            oldest=ago(now - oldest) if waiting else "",
            trends=trends,
            fixed=sum(sum(each.fixed) for each in trends),
            dismissed=sum(sum(each.dismissed) for each in trends),
            open=sum(each.open for each in trends),
            processes=processes,
            state=_state(workers, waiting),
            now=now,
            server=self.server,
            app=self.app,
            advice=advice,
            ago=ago,
            size=size,
            chip=_chip,
            curve=lambda each: curves.trend(each.fixed, each.dismissed),
            stamp=lambda at: time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)),
            **held,
        )

    async def _log_in(self, request: Request) -> Response:
        token = (await _form(request)).get("token", "").strip()
        if not self.login.right(token):
            return await run_in_threadpool(self._shown, "", "wrong", 403)
        answer = RedirectResponse("/", 303, PLAIN)
        self.login.let_in(request, answer, token)
        return answer

    async def _log_out(self, request: Request) -> Response:
        answer = RedirectResponse("/", 303, PLAIN)
        if await self._meant(request) is not None:
            answer.delete_cookie(COOKIE)
        return answer

    async def _retry(self, request: Request) -> Response:
        form = await self._meant(request)
        if form is None:
            return page("app_message", status=403, title="Not done", words="Log in and try again.", link="/")
        try:
            done = await run_in_threadpool(self.jobs.again, form.get("job", ""))
        except SQLAlchemyError:
            return page("app_message", status=503, title="Not done", words="The database is away.", link="/")
        return RedirectResponse("/?said=again" if done else "/?said=gone", 303, PLAIN)

    async def _meant(self, request: Request) -> dict[str, str] | None:
        """The form, where who sent it is logged in and sent it from a page of ours."""
        token, form = self.login.inside(request), await _form(request)
        return form if token and same(form.get("key", ""), form_key(token)) else None


async def _form(request: Request) -> dict[str, str]:
    """A short form; nothing where it is too long or none."""
    try:
        body = await _FORMS.read(request)
    except Bad:
        return {}
    try:
        held = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in held.items()}


def _state(workers: Sequence[Process], waiting: int) -> tuple[str, str]:
    """How it goes, in a word and the class of its chip."""
    notes = [each.note for each in workers if each.note]
    if not workers:
        return ("no worker runs: start `repairbot worker`", "bad") if waiting else ("no worker runs", "warn")
    return (notes[0], "warn") if notes else ("working", "good")


def _latest(reviews: Sequence[Review]) -> list[Review]:
    """The last one of each pull request, the newest first."""
    held: dict[tuple[str, int], Review] = {}
    for each in reviews:
        held.setdefault((each.repo, each.number), each)
    return list(held.values())[:SHOWN]


def _chip(each: Review) -> tuple[str, str]:
    """An outcome's words, and the class of its chip."""
    kind = "good" if each.outcome in GOOD else "bad" if each.outcome in POOR else ""
    words = each.outcome
    if each.outcome == "commented":
        words, kind = (plural(each.leaks, "leak"), "warn") if each.leaks else ("none left", "good")
    return words, kind
