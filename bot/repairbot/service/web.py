"""The App's web server: `/webhook`, `/healthz`, `/readyz`, and pages. What is acknowledged has been queued before."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from repairbot.github.event import Nothing
from repairbot.service.bodies import SECONDS, Bad, Bodies
from repairbot.service.logs import about
from repairbot.service.webhook import LIMIT, Noted, Unreadable, Work, read, signed

Heard = Callable[[str, str], None]
"""Takes the name of each delivery's event, "" where nobody vouches for it, and how it ended ("queued", ...)."""
_LOG: Final = logging.getLogger(__name__)
_EVENTS: Final = re.compile(r"[a-z_]{1,64}")
SECURE: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class QueueDown(Exception):
    """Nothing can be kept at the moment. GitHub lists the delivery as failed, and it can be sent again."""


class Queue(Protocol):
    """Where work is kept."""

    def put(self, work: Work) -> None:
        """Keep it durably under its delivery's id; twice is once. Raises QueueDown."""
        ...

    def ready(self) -> bool:
        """Whether work can be kept and is being done."""
        ...


def app(
    secret: str,
    queue: Queue,
    heard: Heard,
    routes: Sequence[BaseRoute] = (),
    limit: int = LIMIT,
    seconds: float = SECONDS,
) -> Starlette:
    """The server. `routes`: of pages beside the webhook.

    `limit`: bytes of a body that are read before it is turned away; `seconds`: the time it may take.
    """
    bodies = Bodies(limit, seconds)

    def end(status: int, how: str, words: str, event: str = "") -> Response:
        heard(event if _EVENTS.fullmatch(event) else "", how)
        _LOG.log(
            logging.INFO if status < 300 else logging.WARNING, "delivery: %s", how, extra={"event": event}
        )
        return PlainTextResponse(f"{words}\n", status, SECURE)

    async def webhook(request: Request) -> Response:
        try:
            body = await bodies.read(request)
        except Bad as error:
            return end(error.status, error.how, error.words)
        if not signed(secret, body, request.headers.get("x-hub-signature-256", "")):
            return end(
                401,
                "bad signature",
                "the signature is not of this body and our secret: compare WEBHOOK_SECRET",
            )
        name, delivery = (
            request.headers.get("x-github-event", ""),
            request.headers.get("x-github-delivery", ""),
        )
        with about(delivery=delivery):
            return await taken(name, delivery, body)

    async def taken(name: str, delivery: str, body: bytes) -> Response:
        try:
            asked = read(name, delivery, body)
        except Unreadable as error:
            return end(400, "unreadable", str(error), name)
        if isinstance(asked, Nothing):
            return end(202, "passed over", f"nothing to do: {asked.why}", name)
        if isinstance(asked, Noted):
            _LOG.info("%s", asked.what, extra={"installation": asked.installation})
            return end(202, "noted", "noted", name)
        try:
            await run_in_threadpool(queue.put, asked)
        except QueueDown as error:
            return end(503, "queue down", f"{error}; send the delivery again later", name)
        return end(202, "queued", "queued", name)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=SECURE)

    async def ready(_: Request) -> Response:
        up = await run_in_threadpool(queue.ready)
        return PlainTextResponse("ok\n" if up else "the queue is down\n", 200 if up else 503, SECURE)

    return Starlette(
        routes=[
            Route("/webhook", webhook, methods=["POST"]),
            Route("/healthz", healthy),
            Route("/readyz", ready),
            *routes,
        ]
    )
