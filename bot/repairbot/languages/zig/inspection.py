"""Zig's own rungs of the ladder: it parses, comments are kept, the compiler and the formatter have nothing new to say.

The compiler comes with the package `ziglang` (the extra `repairbot[zig]`); without it its two rungs say "not run".
It reads one candidate on its standard input, in an empty environment, a directory of its own and under this process's
limits, and writes nothing: `ast-check` looks at names, scopes and unused values, and compiles and runs nothing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from tree_sitter import Query, QueryCursor

from repairbot.languages.zig.parsing import LANGUAGE, errors, parse, parse_again
from repairbot.model import Check, Edit

PATIENCE: Final = 10.0
"""Seconds that the compiler gets for one file; it takes a few milliseconds."""
ABSENT: Final = "the package ziglang is not installed"
_COMMENTS: Final = Query(LANGUAGE, "(comment) @comment")
_MESSAGE: Final = re.compile(rb"^<stdin>:(\d+):\d+: error: (.*)$", re.MULTILINE)


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


def _run(source: bytes, *arguments: str) -> tuple[int, bytes] | str:
    """The compiler's exit code and what it says of a source, or why there is neither."""
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
    return done.returncode, done.stderr


@dataclass(frozen=True, slots=True)
class _Said:
    """What the compiler says of a source: its errors, each with its line; whether `zig fmt` would leave it as it is."""

    errors: tuple[tuple[int, str], ...] = ()
    formatted: bool = True


@lru_cache(maxsize=64)
def _said(source: bytes) -> _Said | str:
    """What `zig ast-check` and `zig fmt --check` say, in one process; or why it cannot be asked."""
    answer = _run(source, "fmt", "--stdin", "--check", "--ast-check", "--color", "off")
    if isinstance(answer, str):
        return answer
    code, words = answer
    found = [(int(line), message.decode("utf-8", "replace")) for line, message in _MESSAGE.findall(words)]
    if not found:
        return "the compiler failed without naming an error" if code and words else _Said((), code == 0)
    answer = _run(
        source, "fmt", "--stdin", "--check", "--color", "off"
    )  # with errors nothing is said of blanks
    return answer if isinstance(answer, str) else _Said(tuple(found), answer[0] == 0)


def _compiles(before: bytes, after: bytes, _: tuple[Edit, ...]) -> Check:
    """`zig ast-check` says nothing that it did not say before."""
    name = "zig ast-check"
    now = _said(after)
    if isinstance(now, str):
        return Check(name, "not run", now)
    if not now.errors:
        return Check(name, "passed")
    was = _said(before)
    if isinstance(was, str):
        return Check(name, "not run", was)
    new = Counter(message for _, message in now.errors) - Counter(message for _, message in was.errors)
    for line, message in now.errors:
        if new[message]:
            return Check(name, "failed", f"line {line}: {message}")
    return Check(name, "not run", f"the file did not pass before: {was.errors[0][1]}")


def _formatted(before: bytes, after: bytes, _: tuple[Edit, ...]) -> Check:
    """A file that `zig fmt` had nothing to change in stays so; another one is not reformatted."""
    name = "zig fmt"
    was, now = _said(before), _said(after)
    if isinstance(was, str) or isinstance(now, str):
        return Check(name, "not run", was if isinstance(was, str) else str(now))
    if not was.formatted:
        return Check(name, "not run", "the file was not formatted by it before")
    if not now.formatted:
        return Check(name, "failed", "it would format the repair otherwise")
    return Check(name, "passed")
