"""Logs as lines of JSON, each with the delivery it is about, and no token in any of them.

Where a line is written nobody needs to know which delivery it is for: `about` says it once for all that is done in its
block, through awaits and `asyncio.to_thread`; a thread that is started otherwise says it again.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TextIO

from repairbot.github.redact import redact

_ABOUT: ContextVar[dict[str, str]] = ContextVar("repairbot_about")
_OWN: Final = frozenset(
    (*logging.LogRecord("", 0, "", 0, "", None, None).__dict__, "message", "asctime", "color_message")
)
"""What every record has; anything else on one was given with `extra`."""
_LONGEST: Final = 8_000


@contextmanager
def about(**what: str) -> Iterator[None]:
    """Everything that is logged in the block carries these fields: `about(delivery="...", job="...")`."""
    before = _ABOUT.set({**_ABOUT.get({}), **what})
    try:
        yield
    finally:
        _ABOUT.reset(before)


class Lines(logging.Formatter):
    """One record as one line of JSON: time (UTC), level, logger, message, what it is about, `extra`, the error."""

    def __init__(self, *secrets: str) -> None:
        super().__init__()
        # A key of many lines may be quoted with its line feeds escaped.
        self._secrets = tuple({form for each in secrets if each for form in (each, json.dumps(each)[1:-1])})

    def format(self, record: logging.LogRecord) -> str:
        held: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_ABOUT.get({}),
            **{name: value for name, value in record.__dict__.items() if name not in _OWN},
        }
        if record.exc_info:
            held["error"] = self.formatException(record.exc_info)
        return json.dumps({name: self._clean(value) for name, value in held.items()}, ensure_ascii=True)

    def _clean(self, value: object) -> object:
        """Without tokens, and bounded: what strangers sent may be in it."""
        if value is None or isinstance(value, bool | int | float):
            return value
        text = redact(str(value), *self._secrets)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"


def start(*secrets: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Log the whole process to `stream` (standard error) as lines of JSON, in which no `secrets` stand.

    `level`: debug, info, warning or error. Raises ValueError for another.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"LOG_LEVEL must be debug, info, warning or error, not {level!r}")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines(*secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    # These have handlers of their own, or tell of every request.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "dbos"):
        each = logging.getLogger(name)
        each.handlers[:] = []
        each.propagate = True
    for name in ("dbos", "uvicorn.access", "urllib3", "git", "httpx", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    # It warns of each request that is none, so that strangers could fill the disk.
    logging.getLogger("uvicorn.error").setLevel(max(number, logging.ERROR))
