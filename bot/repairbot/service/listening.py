"""How the App listens: uvicorn, with the patience that it lacks."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class Patient(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, to which a request that never begins is none.

    uvicorn closes a connection that is idle, but waits without end for the rest of a head, so that strangers could use
    up its connections byte by byte. `patience`: seconds in which a request's head must be there.
    """

    patience: ClassVar[float] = 10.0

    _asked: object = None
    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to look after it."""
        super().connection_made(transport)
        self._looking = self.loop.call_later(self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking after it."""
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close it where no request began since the last look, and none is being answered."""
        over = self.conn.their_state is h11.IDLE or (self.cycle and self.cycle.response_complete)
        if over and self.cycle is self._asked:
            self.transport.close()
            return
        self._asked = self.cycle
        self._looking = self.loop.call_later(self.patience, self._look)


def config(app: ASGIApp, host: str, port: int, **more: Any) -> uvicorn.Config:
    """What to run `app` with. Logs go where this process's go; nothing tells which server answers."""
    held: dict[str, Any] = {
        "http": Patient,
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 10,
        **more,
    }
    return uvicorn.Config(cast(Any, app), host=host, port=port, **held)
