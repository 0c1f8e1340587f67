"""A server of ours on loopback, in a thread of this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from repairbot.service.listening import config


@contextmanager
def serving(server: uvicorn.Server) -> Iterator[int]:
    """Its port, until the block is left."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def running(app: Starlette) -> Iterator[str]:
    """The address of a server of `app`, until the block is left."""
    with serving(uvicorn.Server(config(app, "127.0.0.1", 0))) as port:
        yield f"http://127.0.0.1:{port}"
