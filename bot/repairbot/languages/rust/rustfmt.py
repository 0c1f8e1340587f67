"""rustfmt, where it is at hand: it formats what a repair wrote into a file in which it had nothing to change before.

It reads one file on its standard input, in an empty environment, a directory of its own and under this process's
limits; it compiles and runs nothing. Style and edition are found by trying: those in which the file as it was is clean.
"""

from __future__ import annotations

import os
import shutil
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from repairbot.languages.programs import Answer, run, workplace

PATIENCE: Final = 10.0
"""Seconds that it gets for one file; it takes some ten milliseconds."""
ABSENT: Final = "rustfmt is not installed"
EDITIONS: Final = ("2021", "2024", "2018", "2015")
"""Since 2024 an edition has a style of its own (https://doc.rust-lang.org/nightly/style-guide/editions.html)."""


@cache
def program() -> str:
    """The path of rustfmt, "" where there is none.

    A worker has no environment, so the places of rustup's toolchains are looked at as well; rustup's own `rustfmt` on
    the PATH only starts one of these, and needs an environment for it.
    """
    homes = [os.environ.get("RUSTUP_HOME", ""), os.path.join(_home(), ".rustup"), "/usr/local/rustup"]
    toolchains = [
        str(found)
        for home in homes
        if home
        for found in sorted(
            Path(home, "toolchains").glob("*/bin/rustfmt"), key=lambda path: "stable" not in str(path)
        )
    ]
    on_path = shutil.which("rustfmt") or ""
    if on_path and "rustup" not in os.path.basename(os.path.realpath(on_path)):
        return on_path
    return next(iter(toolchains), "")


def _home() -> str:
    """The user's own directory, which a process without an environment still has."""
    if os.name != "posix":
        return os.path.expanduser("~")
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


@lru_cache(maxsize=32)
def _run(source: bytes, name: str) -> Answer | str:
    """Its answer for an edition, or why it cannot be asked. Every repair of a file asks again."""
    if not program():
        return ABSENT
    command = [program(), "--edition", name, "--emit", "stdout"]
    try:
        with workplace("rust") as place:
            Path(place, "rustfmt.toml").touch()  # nobody's configuration but its own
            return run(command, "rustfmt", place, source, PATIENCE)
    except OSError as error:
        return f"rustfmt has no place to run in: {error.strerror}"


@lru_cache(maxsize=16)
def edition(source: bytes) -> str | None:
    """The edition in whose style a source is clean, None where there is none or nobody can say."""
    for name in EDITIONS:
        answer = formatted(source, name)
        if answer == source:
            return name
        if answer is None and not program():
            return None
    return None


def formatted(source: bytes, name: str) -> bytes | None:
    """A source as rustfmt writes it, None where it cannot be asked or the source does not parse."""
    answer = _run(source, name)
    if isinstance(answer, str) or answer.code:
        return None
    return answer.out


def trouble(source: bytes) -> str:
    """Why rustfmt cannot be asked about a source at all, "" where it can."""
    answer = _run(source, EDITIONS[0])
    return answer if isinstance(answer, str) else ""


__all__ = ["ABSENT", "edition", "formatted", "program", "trouble"]
