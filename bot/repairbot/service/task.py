"""What the queue holds: tasks, and jobs as the pages show them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

from repairbot.github.event import Said
from repairbot.service.webhook import Work

Kind = Literal["review", "command", "lookup", "sweep"]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. `kind`: who does it; `delivery`: what asked for it (a delivery's id, a sweep's name).

    `number`: the pull request's, 0 where it is about none; `head`: the commit that was spoken of, "" for none;
    `said`: a comment with commands; `button`: the identifier of a check run's button, which `by` pressed. `since`:
    seconds since 1970 at which it was asked for.
    """

    kind: Kind
    delivery: str
    installation: int
    repo: str
    number: int = 0
    head: str = ""
    said: Said | None = None
    button: str = ""
    by: str = ""
    since: float = 0.0

    @property
    def place(self) -> str:
        """What it is about: jobs of one place are done one after the other, and of reviews only the last counts."""
        about = f"@{self.head}" if self.kind == "lookup" else f"#{self.number}"
        return f"{self.kind}:{self.repo}{about}"

    @property
    def id(self) -> str:
        """The id of its job."""
        return f"{self.place}:{self.delivery}"

    @classmethod
    def of(cls, held: dict[str, Any]) -> Task:
        """Out of what `asdict` made of one."""
        return cls(**{**held, "said": Said(**held["said"]) if held["said"] else None})


def tasks(work: Work) -> list[Task]:
    """What is to be done for a delivery: something for each pull request, which is to be found where none is named."""
    kind: Kind = "command" if work.said or work.button else "review"
    common = Task(
        kind,
        work.delivery,
        work.installation,
        work.repo,
        0,
        work.head,
        work.said,
        work.button,
        work.by,
        time.time(),
    )
    if not work.numbers:
        return [replace(common, kind="lookup")]
    return [replace(common, number=number) for number in work.numbers]


@dataclass(frozen=True, slots=True)
class Standing:
    """A job that waits or runs. `since`: seconds since 1970 at which it was queued."""

    id: str
    repo: str
    number: int
    running: bool
    since: float
    kind: str = "review"


@dataclass(frozen=True, slots=True)
class Failed:
    """A job on the shelf. `said`: the error's name, a colon, and its words; `at`: seconds since 1970."""

    id: str
    repo: str
    number: int
    said: str
    at: float
    kind: str = "review"


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that ended well. `outcome`: one word; `said`: a line for people."""

    id: str
    repo: str
    number: int
    outcome: str
    said: str
    at: float
    kind: str = "review"
