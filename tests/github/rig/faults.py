"""What can go wrong between the bot and GitHub: an answer is refused, lost, late, or the head moves."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing and answer with this status. `retry_after`: seconds in the header, None without one.

    `reset`: the moment (seconds since 1970) at which the hour's limit is renewed, None while there is room.
    """

    status: int
    retry_after: int | None = None
    message: str = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    reset: int | None = None


@dataclass(frozen=True, slots=True)
class Lose:
    """Do it, and answer 502 or (with status 0) close the connection without an answer."""

    status: int = 502


@dataclass(frozen=True, slots=True)
class Break:
    """Do nothing and answer 502 or (with status 0) close the connection."""

    status: int = 502


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer after this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Then:
    """Something happens (a push, a person's click) before the request is answered."""

    act: Callable[[], object]


Fault = Refuse | Lose | Break | Slow | Then
KINDS: tuple[Fault, ...] = (
    Refuse(403, 1),
    Refuse(403),
    Refuse(429, 2),
    Refuse(429),
    Lose(502),
    Lose(0),
    Break(502),
    Break(0),
    Refuse(500, None, "Server Error"),
    Slow(0.005),
)


def at_random(chance: float, seed: int) -> Callable[[int, str, str], Fault | None]:
    """Spoil each request with this chance, the same way for the same seed.

    One fault in six is the last thing that happens: from then on nothing gets an answer.
    """
    dice, over = random.Random(seed), False

    def choose(_number: int, _method: str, _path: str) -> Fault | None:
        nonlocal over
        if over:
            return Break(0)
        if dice.random() >= chance:
            return None
        over = dice.random() < 1 / 6
        return dice.choice(KINDS)

    return choose


def at(number: int, fault: Fault) -> Callable[[int, str, str], Fault | None]:
    """Spoil the request with this number (from 1) alone."""
    return lambda each, _method, _path: fault if each == number else None


def on(method: str, ending: str, *faults: Fault) -> Callable[[int, str, str], Fault | None]:
    """Spoil the first requests with this method whose path ends so, one fault each."""
    left = list(faults)

    def choose(_number: int, asked: str, path: str) -> Fault | None:
        return left.pop(0) if left and asked == method and path.endswith(ending) else None

    return choose
