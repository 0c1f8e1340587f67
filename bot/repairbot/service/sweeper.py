"""The sweeper: GitHub delivers once, so what it could not deliver is asked for again.

Source: docs.github.com, "Automatically redelivering failed deliveries for a GitHub App webhook". A redelivery keeps
its id, so that a job which was queued all the same is not made twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from repairbot.github.errors import GitHubError
from repairbot.service.ledger import Ledger
from repairbot.service.tokens import App

_LOG: Final = logging.getLogger(__name__)
BACK: Final = 2.5 * 86_400
"""Seconds that it looks back. GitHub sends again what is at most three days old."""
TIMES: Final = 4
PAUSE: Final = 300.0
"""Seconds before a delivery that failed again is asked for a second time; then three times as long each time."""
MOST: Final = 60
"""Deliveries that are asked for in one round: GitHub allows 80 writes a minute, and jobs write too."""
_PAGES: Final = 20
_HOPELESS: Final = frozenset({400, 413})
"""Answers of ours that would be the same again."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One round: deliveries that failed, those that were asked for again, and those left for the next round."""

    failed: int
    asked: int
    left: int = 0


@dataclass(slots=True)
class Sweeper:
    """Asks for failed deliveries. Any number of processes may have one: each delivery is claimed in the ledger."""

    app: App
    ledger: Ledger
    now: Callable[[], float] = time.time

    def round(self) -> Swept:
        """Look once. Raises GitHubError, SQLAlchemyError."""
        transport = self.app.itself()
        try:
            failed: dict[str, dict[str, Any]] = {}
            since = self.now() - BACK
            for number, page in enumerate(
                transport.cursor_pages("/app/hook/deliveries", status="failure"), 1
            ):
                for each in page:
                    # The newest attempt comes first: an older one says nothing more.
                    failed.setdefault(str(each["guid"]), each)
                if number == _PAGES or not page or _at(page[-1]) < since:
                    break
            asked = left = 0
            for guid, each in failed.items():
                if _at(each) < since or int(each["status_code"]) in _HOPELESS or _well(each):
                    continue
                if asked >= MOST:
                    left += 1
                elif self.ledger.claim(guid, int(each["id"]), self.now(), TIMES, PAUSE):
                    transport.write("POST", f"/app/hook/deliveries/{int(each['id'])}/attempts", {})
                    self.ledger.count("redeliveries")
                    asked += 1
            return Swept(len(failed), asked, left)
        finally:
            transport.close()

    def run(self, over: threading.Event, every: float) -> None:
        """Look now and then every `every` seconds, until it is over. What goes wrong is logged, and tried again."""
        while True:
            try:
                swept = self.round()
                if swept.asked or swept.left:
                    words = "asked for %d failed deliveries again, %d are left for the next round"
                    _LOG.info(words, swept.asked, swept.left)
            except GitHubError as error:
                _LOG.warning("failed deliveries could not be asked for again: %s", error)
            except SQLAlchemyError as error:
                _LOG.warning("failed deliveries wait: the database is away (%s)", type(error).__name__)
            if over.wait(every):
                return


def _at(delivery: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(delivery["delivered_at"])).timestamp()


def _well(delivery: dict[str, Any]) -> bool:
    """Whether it was delivered after all (an older GitHub lists all deliveries whatever it is asked for)."""
    return 200 <= int(delivery["status_code"]) < 300
