"""What Zig's compiler says of a source: of its names, scopes and unused values, and of its layout.

It comes with the package `ziglang` (the extra `repairbot[zig]`). It reads sources in an empty environment, from a
directory of its own and under this process's limits, and writes nothing: `ast-check` compiles and runs nothing. The
directory goes with the answer: this process is killed when it is no longer needed.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from repairbot.edits import minimal
from repairbot.languages.programs import Answer, run, workplace

PATIENCE: Final = 10.0
"""Seconds that the compiler gets for one process; it takes a few milliseconds a file."""
ABSENT: Final = "the package ziglang is not installed"
_MESSAGE: Final = re.compile(rb"^(\d+\.zig):(\d+):\d+: error: (.*)$", re.MULTILINE)
_MOST: Final = 64
"""Sources whose answers are kept."""


@cache
def compiler() -> str:
    """The path of the compiler, "" where it is not installed. The package is found, not imported."""
    found = importlib.util.find_spec("ziglang")
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        path = os.path.join(place, "zig.exe" if os.name == "nt" else "zig")
        if os.path.exists(path):
            return path
    return ""


def _run(place: str, arguments: Sequence[str], source: bytes = b"") -> Answer | str:
    """The compiler's answer, run at a place; or why there is none."""
    return run([compiler(), *arguments], "the compiler", place, source, PATIENCE) if compiler() else ABSENT


@dataclass(frozen=True, slots=True)
class Said:
    """What the compiler says of a source: its errors, each with its line; whether `zig fmt` would leave it as it is."""

    errors: tuple[tuple[int, str], ...] = ()
    formatted: bool = True

    def new(self, was: Said) -> Counter[str]:
        """The messages of the errors that were not there before."""
        return Counter(message for _, message in self.errors) - Counter(message for _, message in was.errors)


_known: Final[dict[bytes, Said | str]] = {}
"""What was said of the last sources."""


def said(source: bytes) -> Said | str:
    """What `zig ast-check` and `zig fmt --check` say; or why they cannot be asked."""
    ask(source)
    return _known[source]


def ask(*sources: bytes) -> None:
    """Ask about several sources in one process, for `said`: to start it takes as long as to look at one."""
    new = [source for source in dict.fromkeys(sources) if source not in _known]
    if not new:
        return
    answers = _looked(new) if compiler() else [ABSENT] * len(new)
    if len(new) > 1 and compiler() and isinstance(answers[0], str):
        for source in new:  # one of them may be too much for it
            ask(source)
        return
    _known.update(zip(new, answers, strict=True))
    while len(_known) > _MOST + len(sources):
        del _known[next(iter(_known))]


def _looked(sources: Sequence[bytes]) -> Sequence[Said | str]:
    """What is said of each source; of none of them is anything left behind."""
    names = [f"{number}.zig" for number in range(len(sources))]
    try:
        with workplace("zig") as place:
            for name, source in zip(names, sources, strict=True):
                with open(os.path.join(place, name), "wb") as file:
                    file.write(source)
            return _read(
                place, _run(place, ["fmt", "--check", "--ast-check", "--color", "off", *names]), names
            )
    except OSError as error:
        return [f"there is no room for the compiler's file: {error.strerror}"] * len(sources)


def _read(place: str, answer: Answer | str, names: Sequence[str]) -> list[Said | str]:
    """What an answer says of each file at a place."""
    if isinstance(answer, str):
        return [answer] * len(names)
    errors: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, line, message in _MESSAGE.findall(answer.err):
        errors[name.decode()].append((int(line), message.decode("utf-8", "replace")))
    if answer.err and not errors:
        return ["the compiler failed without naming an error"] * len(names)
    odd = {*answer.out.decode().split(), *_unformatted(place, sorted(errors))}
    return [Said(tuple(errors[name]), name not in odd) for name in names]


def _unformatted(place: str, names: Sequence[str]) -> set[str]:
    """The files that `zig fmt` cannot read or would not leave as they are; with errors nothing is said of that."""
    if not names:
        return set()
    answer = _run(place, ["fmt", "--check", "--color", "off", *names])
    if isinstance(answer, str):
        return {*names}
    return {*answer.out.decode().split(), *(name.decode() for name, _, _ in _MESSAGE.findall(answer.err))}


def reformatted(source: bytes) -> set[int]:
    """The lines of a source that `zig fmt` would change."""
    try:
        with workplace("zig") as place:
            answer = _run(place, ["fmt", "--stdin", "--color", "off"], source)
    except OSError:
        return set()  # what is asked next says so
    if isinstance(answer, str) or answer.code:
        return set()
    return {
        line + source.count(b"\n", 0, edit.start) + 1
        for edit in minimal(source, answer.out)
        for line in range(source.count(b"\n", edit.start, edit.end) + 1)
    }
