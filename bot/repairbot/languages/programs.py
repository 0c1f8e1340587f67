"""Running a compiler or a formatter on a version of a file: code under review is data to it as well."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple


class Answer(NamedTuple):
    """How a program ended, what it wrote and what it said."""

    code: int
    out: bytes
    err: bytes


@contextmanager
def workplace(language: str) -> Iterator[str]:
    """A directory to run in. A worker is killed in the end, so it keeps none. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=f"repairbot-{language}-") as place:
        yield place


def run(command: Sequence[str], name: str, place: str, source: bytes, patience: float) -> Answer | str:
    """A program's answer, in an empty environment and under this process's limits; or in one line why there is none.

    `name`: what people call it. `source`: what it reads on its standard input. `patience` in seconds.
    """
    try:
        done = subprocess.run(
            command, input=source, capture_output=True, timeout=patience, cwd=place, env={}, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{name} took longer than {patience:.0f} seconds"
    except OSError as error:
        return f"{name} does not start: {error.strerror}"
    if done.returncode < 0:
        return f"{name} was ended by signal {-done.returncode}"
    return Answer(done.returncode, done.stdout, done.stderr)
