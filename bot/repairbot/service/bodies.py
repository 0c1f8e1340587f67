"""Bodies of requests, read within bounds: of one body, of the time it may take, and of all that are read at once.

Who sent a delivery is known only when its whole body is here, so strangers must not be able to fill the memory with
bodies: neither with a large one, nor with many, nor with slow ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request

SECONDS: Final = 10.0
"""For one body. GitHub gives a delivery up after this time (github.md)."""
TOGETHER: Final = 96 << 20
"""Bytes of all bodies that are read at once: three of the largest, or thousands of the usual ones (30 KB)."""


class Bad(Exception):
    """A body that was not read. `status`: the answer; `how`: what it is counted as; `words`: for its sender."""

    def __init__(self, status: int, how: str, words: str) -> None:
        super().__init__(words)
        self.status, self.how, self.words = status, how, words


@dataclass(slots=True)
class Bodies:
    """What all requests of a process read their bodies with. `held`: bytes of those that are being read."""

    limit: int
    seconds: float = SECONDS
    together: int = TOGETHER
    held: int = 0

    async def read(self, request: Request) -> bytes:
        """The raw body: a length that is promised counts, one that is not is found out. Raises Bad."""
        promised = request.headers.get("content-length", "")
        if promised.isdecimal() and (len(promised) > 16 or int(promised) > self.limit):
            raise self._large()
        body = bytearray()
        try:
            async with asyncio.timeout(self.seconds):
                async for piece in request.stream():
                    body += piece
                    self.held += len(piece)
                    if len(body) > self.limit:
                        raise self._large()
                    if self.held > self.together:
                        raise Bad(429, "too many", "too many bodies at once: send it again later")
        except TimeoutError:
            raise Bad(408, "too slow", f"no whole body within {self.seconds:.0f} seconds") from None
        except ClientDisconnect:
            raise Bad(400, "cut off", "the body ended early") from None
        finally:
            self.held -= len(body)
        return bytes(body)

    def _large(self) -> Bad:
        return Bad(413, "too large", f"more than {self.limit:,} bytes")
