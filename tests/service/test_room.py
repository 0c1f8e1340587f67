"""Where memory is short: one review at a time with one process, and it is said."""

from __future__ import annotations

import threading

from repairbot.service.room import SHORT, Room, free
from tests.service.processes import until


def test_there_is_memory_on_this_machine() -> None:
    assert free() > 0


def test_short_memory_makes_batches_small_until_there_is_clearly_enough() -> None:
    left, notes = [2 * SHORT], list[str]()
    room = Room(notes.append, lambda: left[0])
    with room.entered() as first, room.entered() as second:
        assert (first, second) == (0, 0)
    left[0] = SHORT - 1
    entered, go = threading.Event(), threading.Event()

    def third() -> None:
        with room.entered():
            entered.set()
            go.wait(30)

    with room.entered() as alone:
        assert alone == 1
        assert notes[-1].startswith("memory is short (399 MiB free)")
        waiting = threading.Thread(target=third)
        waiting.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    left[0] = SHORT + 1  # not clearly more
    go.set()
    waiting.join()
    with room.entered() as few:
        assert few == 1
    left[0] = 2 * SHORT
    with room.entered() as many:
        assert many == 0
    until(lambda: notes[-1] == "")
