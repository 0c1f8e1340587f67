"""Zig's own rungs of the ladder: it parses, comments are kept, the compiler and the formatter have nothing new to say.

The compiler comes with the package `ziglang` (the extra `repairbot[zig]`); without it its two rungs say "not run".
It reads versions of one file, in an empty environment, from a directory of its own and under this process's limits,
and writes nothing: `ast-check` looks at names, scopes and unused values, and compiles and runs nothing.
The repairs of a file are asked about together where they have nothing to do with each other (see `foresee`).
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import tempfile
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final

from tree_sitter import Query, QueryCursor

from repairbot.edits import apply, declared, minimal, ordered
from repairbot.languages.base import ALONE
from repairbot.languages.zig.parsing import LANGUAGE, errors, parse, parse_again
from repairbot.model import Check, Edit

PATIENCE: Final = 10.0
"""Seconds that the compiler gets for one file; it takes a few milliseconds."""
ABSENT: Final = "the package ziglang is not installed"
_COMMENTS: Final = Query(LANGUAGE, "(comment) @comment")
_MESSAGE: Final = re.compile(rb"^(\d+\.zig):(\d+):\d+: error: (.*)$", re.MULTILINE)
_MOST: Final = 64
"""Sources whose answers are kept."""


def inspect(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
    """The checks in the order of their cost; those behind the first that fails are not made."""
    checks: list[Check] = []
    for check in (_parses, _comments, _compiles, _formatted):
        checks.append(check(before, after, edits))
        if checks[-1].result == "failed":
            break
    return tuple(checks)


def _parses(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """By the tolerant parser: no error that was not there before."""
    was, now = errors(parse(before)), errors(parse_again(before, after, edits))
    if len(now) > len(was):
        line = now[0].start_point[0] + 1
        return Check("parses", "failed", f"line {line} does not parse")
    return Check("parses", "passed")


def _comments(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    if not any(b"//" in before[before.rfind(b"\n", 0, edit.start) + 1 : edit.end] for edit in edits):
        return Check("comments kept", "passed")  # no edit comes near one
    lost = next(iter(_all_comments(before) - _all_comments(after)), None)
    if lost is not None:
        return Check("comments kept", "failed", f"lost: {lost.decode('utf-8', 'replace')[:60]}")
    return Check("comments kept", "passed")


@lru_cache(maxsize=4)
def _all_comments(source: bytes) -> Counter[bytes]:
    found = QueryCursor(_COMMENTS).captures(parse(source)).get("comment", [])
    return Counter((node.text or b"").strip() for node in found)


# The compiler


@cache
def compiler() -> str:
    """The path of the compiler, "" where it is not installed. The package is found, not imported."""
    found = importlib.util.find_spec("ziglang")
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        path = os.path.join(place, "zig.exe" if os.name == "nt" else "zig")
        if os.path.exists(path):
            return path
    return ""


@cache
def _workplace() -> tempfile.TemporaryDirectory[str]:
    """An empty directory to run in; it goes with the process."""
    return tempfile.TemporaryDirectory(prefix="repairbot-zig-")


def _run(arguments: Sequence[str], source: bytes = b"") -> tuple[int, bytes, bytes] | str:
    """The compiler's exit code, what it writes and what it says; or why there is neither."""
    if not compiler():
        return ABSENT
    try:
        done = subprocess.run(
            [compiler(), *arguments],
            input=source,
            capture_output=True,
            timeout=PATIENCE,
            cwd=_workplace().name,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the compiler took longer than {PATIENCE:.0f} seconds"
    except OSError as error:
        return f"the compiler does not start: {error.strerror}"
    if done.returncode < 0:
        return f"the compiler was ended by signal {-done.returncode}"
    return done.returncode, done.stdout, done.stderr


@dataclass(frozen=True, slots=True)
class _Said:
    """What the compiler says of a source: its errors, each with its line; whether `zig fmt` would leave it as it is."""

    errors: tuple[tuple[int, str], ...] = ()
    formatted: bool = True

    def new(self, was: _Said) -> Counter[str]:
        """The messages of the errors that were not there before."""
        return Counter(message for _, message in self.errors) - Counter(message for _, message in was.errors)


_known: Final[dict[bytes, _Said | str]] = {}
"""What was said of the last sources."""


def _said(source: bytes) -> _Said | str:
    """What `zig ast-check` and `zig fmt --check` say; or why they cannot be asked."""
    _ask(source)
    return _known[source]


def _ask(*sources: bytes) -> None:
    """Ask about several sources in one process, for `_said`: to start it takes as long as to look at one."""
    new = [source for source in dict.fromkeys(sources) if source not in _known]
    names = [f"{number}.zig" for number in range(len(new))]
    if not new:
        return
    answer: tuple[int, bytes, bytes] | str = ABSENT
    if compiler():
        try:
            for name, source in zip(names, new, strict=True):
                with open(os.path.join(_workplace().name, name), "wb") as file:
                    file.write(source)
        except OSError as error:
            answer = f"there is no room for the compiler's file: {error.strerror}"
        else:
            answer = _run(["fmt", "--check", "--ast-check", "--color", "off", *names])
    _known.update(zip(new, _read(answer, names), strict=True))
    while len(_known) > _MOST + len(sources):
        del _known[next(iter(_known))]


def _read(answer: tuple[int, bytes, bytes] | str, names: Sequence[str]) -> list[_Said | str]:
    """What an answer says of each file."""
    if isinstance(answer, str):
        return [answer] * len(names)
    _, listed, words = answer
    errors: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, line, message in _MESSAGE.findall(words):
        errors[name.decode()].append((int(line), message.decode("utf-8", "replace")))
    if words and not errors:
        return ["the compiler failed without naming an error"] * len(names)
    odd = listed.decode().split()
    odd += [
        name for name in errors if not _formats(name)
    ]  # of one that does not parse nothing is said of blanks
    return [_Said(tuple(errors[name]), name not in odd) for name in names]


def _formats(name: str) -> bool:
    """Whether `zig fmt` can read a file, and would leave it as it is."""
    answer = _run(["fmt", "--check", "--color", "off", name])
    return not isinstance(answer, str) and answer[0] == 0


def _reformatted(source: bytes) -> set[int]:
    """The lines of a source that `zig fmt` would change."""
    answer = _run(["fmt", "--stdin", "--color", "off"], source)
    if isinstance(answer, str) or answer[0]:
        return set()
    return {
        line + source.count(b"\n", 0, edit.start) + 1
        for edit in minimal(source, answer[1])
        for line in range(source.count(b"\n", edit.start, edit.end) + 1)
    }


def _compiles(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """`zig ast-check` says nothing that it did not say before."""
    name = "zig ast-check"
    now = _said(before if _foresight.covers(before, edits) else after)
    if isinstance(now, str):
        return Check(name, "not run", now)
    if not now.errors:
        return Check(name, "passed")
    was = _said(before)
    if isinstance(was, str):
        return Check(name, "not run", was)
    new = now.new(was)
    for line, message in now.errors:
        if new[message]:
            return Check(name, "failed", f"line {line}: {message}")
    return Check(name, "not run", f"the file did not pass before: {was.errors[0][1]}")


def _formatted(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """A file that `zig fmt` had nothing to change in stays so; another one is not reformatted."""
    name = "zig fmt"
    was, now = _said(before), _said(before if _foresight.covers(before, edits) else after)
    if isinstance(was, str) or isinstance(now, str):
        return Check(name, "not run", was if isinstance(was, str) else str(now))
    if not was.formatted:
        return Check(name, "not run", "the file was not formatted by it before")
    if not now.formatted:
        return Check(name, "failed", "it would format the repair otherwise")
    return Check(name, "passed")


# Many repairs of one file


def foresee(before: bytes, repairs: Sequence[tuple[Edit, ...]]) -> tuple[int, ...]:
    """Ask the compiler about many repairs of one file at once, for all that is asked about them later.

    The numbers: see languages/base.py.
    """
    if before != _foresight.before:
        _foresight.before, _foresight.clean = before, []
    sets, left = list[list[tuple[Edit, ...]]](), list(repairs)
    while left:
        sets.append(_apart(before, left))
        left = [repair for repair in left if repair not in sets[-1]]
    _ask(before, *(_version(before, each) for each in sets))
    was = _said(before)
    if not isinstance(was, str):
        for each in sets:
            _foresight.ask(each, was)
    return tuple(_foresight.number(repair) for repair in repairs)


@dataclass(slots=True)
class _Foresight:
    """The repairs of a file with which the compiler says what it says without them, in sets asked about at once.

    It says so of each by itself as well, and of any of one set together: what it looks at and what the formatter lays
    out is a statement and its scope, and none of these repairs speaks of what another one declares or takes away.
    """

    before: bytes = b""
    clean: list[list[frozenset[Edit]]] = field(default_factory=list)

    def number(self, repair: tuple[Edit, ...]) -> int:
        """The number of the last set of several that a repair is in."""
        found = [
            number for number, those in enumerate(self.clean) if len(those) > 1 and frozenset(repair) in those
        ]
        return found[-1] if found else ALONE

    def covers(self, before: bytes, edits: tuple[Edit, ...]) -> bool:
        """Whether these are the edits of such repairs, whole ones of one set."""
        return before == self.before and any(_made_of(set(edits), those) for those in self.clean)

    def ask(self, repairs: Sequence[tuple[Edit, ...]], was: _Said) -> None:
        """Find the clean ones: in halves, where the compiler does not say which are not."""
        version = _version(self.before, repairs)
        said = _said(version)
        if isinstance(said, str):
            return
        new = said.new(was)
        if not new and not was.new(said) and said.formatted == was.formatted:
            self.clean.append([frozenset(repair) for repair in repairs])
            return
        if len(repairs) == 1:
            return
        edits = ordered((edit for repair in repairs for edit in repair), len(self.before))
        lines = {line for line, message in said.errors if new[message]} or _reformatted(version)
        named = [repair for repair in repairs if lines & _lines(self.before, edits, repair)]
        others = [repair for repair in repairs if repair not in named]
        if not named or not others:
            named, others = list(repairs[: len(repairs) // 2]), list(repairs[len(repairs) // 2 :])
        _ask(_version(self.before, named), _version(self.before, others))
        self.ask(named, was)
        self.ask(others, was)


_foresight: Final = _Foresight()
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def _version(before: bytes, repairs: Sequence[tuple[Edit, ...]]) -> bytes:
    return apply(before, [edit for repair in repairs for edit in repair])


def _made_of(edits: set[Edit], repairs: Sequence[frozenset[Edit]]) -> bool:
    found = [repair for repair in repairs if repair <= edits]
    return bool(found) and edits == frozenset().union(*found)


def _apart(before: bytes, repairs: Sequence[tuple[Edit, ...]]) -> list[tuple[Edit, ...]]:
    """The repairs that have nothing to do with each other: code stands between them, and they share no names.

    What one declares or takes away no other one speaks of, unless it declares it itself.
    """
    found: list[tuple[Edit, ...]] = []
    taken: list[tuple[int, int]] = []
    private, spoken = set[str](), set[str]()
    for repair in repairs:
        said = {word for edit in repair for word in _WORD.findall(edit.text)}
        was = {word for edit in repair for word in _WORD.findall(before[edit.start : edit.end].decode())}
        own = declared(repair)
        places = [(edit.start, edit.end) for edit in repair]
        if (said - own) & private or (own | (was - said)) & spoken:
            continue
        if not all(_code_between(before, taken, *place) for place in places):
            continue
        found.append(repair)
        for place in places:
            insort(taken, place)
        private |= own | (was - said)
        spoken |= said - own
    return found


def _code_between(before: bytes, taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether code stands between a place and those ahead of and behind it."""
    index = bisect_left(taken, (start, end))
    ahead = taken[index - 1][1] if index else 0
    behind = taken[index][0] if index < len(taken) else len(before)
    return bool(before[ahead:start].strip()) and bool(before[end:behind].strip())


def _lines(before: bytes, edits: tuple[Edit, ...], repair: tuple[Edit, ...]) -> set[int]:
    """The lines on which a repair's text stands in the version that all these edits made."""
    found: set[int] = set()
    line, behind = 1, 0
    for edit in edits:
        line += before.count(b"\n", behind, edit.start)
        behind, last = edit.end, line + edit.text.count("\n")
        if edit in repair:
            found.update(range(line, last + 1))
        line = last
    return found
