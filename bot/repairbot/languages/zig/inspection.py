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
from functools import cache, lru_cache
from typing import Final

from tree_sitter import Node, Query, QueryCursor

from repairbot.languages.zig.syntax import LANGUAGE, Module
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
        checks.append(check(before, after))
        if checks[-1].result == "failed":
            break
    return tuple(checks)


@lru_cache(maxsize=4)
def _module(source: bytes) -> Module:
    return Module(source, "")


def _parses(before: bytes, after: bytes) -> Check:
    """By the tolerant parser: no error that was not there before."""
    was, now = (_errors(_module(source).root) for source in (before, after))
    if len(now) > len(was):
        line = now[0].start_point[0] + 1
        return Check("parses", "failed", f"line {line} does not parse")
    return Check("parses", "passed")


def _errors(node: Node) -> list[Node]:
    """The places that do not parse."""
    if not node.has_error:
        return []
    own = [node] if node.is_error or node.is_missing else []
    return own + [error for child in node.children for error in _errors(child)]


def _comments(before: bytes, after: bytes) -> Check:
    lost = next(iter(_all_comments(before) - _all_comments(after)), None)
    if lost is not None:
        return Check("comments kept", "failed", f"lost: {lost.decode('utf-8', 'replace')[:60]}")
    return Check("comments kept", "passed")


@lru_cache(maxsize=4)
def _all_comments(source: bytes) -> Counter[bytes]:
    found = QueryCursor(_COMMENTS).captures(_module(source).root).get("comment", [])
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


@lru_cache(maxsize=64)
def _said(source: bytes) -> tuple[tuple[int, str], ...] | str:
    """The errors that `zig ast-check` names, each with its line, or why it cannot be asked."""
    answer = _run(source, "ast-check", "--color", "off")
    if isinstance(answer, str):
        return answer
    code, words = answer
    found = [(int(line), message.decode("utf-8", "replace")) for line, message in _MESSAGE.findall(words)]
    if code and not found:
        return "the compiler failed without naming an error"
    return tuple(found)


def _compiles(before: bytes, after: bytes) -> Check:
    """`zig ast-check` says nothing that it did not say before."""
    name = "zig ast-check"
    now = _said(after)
    if isinstance(now, str):
        return Check(name, "not run", now)
    if not now:
        return Check(name, "passed")
    was = _said(before)
    if isinstance(was, str):
        return Check(name, "not run", was)
    new = Counter(message for _, message in now) - Counter(message for _, message in was)
    for line, message in now:
        if new[message]:
            return Check(name, "failed", f"line {line}: {message}")
    return Check(name, "not run", f"the file did not pass before: {was[0][1]}")


@lru_cache(maxsize=64)
def _clean(source: bytes) -> bool | str:
    """Whether `zig fmt` would leave a source as it is, or why it cannot be asked."""
    answer = _run(source, "fmt", "--stdin", "--check", "--color", "off")
    return answer if isinstance(answer, str) else answer[0] == 0


def _formatted(before: bytes, after: bytes) -> Check:
    """A file that `zig fmt` had nothing to change in stays so; another one is not reformatted."""
    name = "zig fmt"
    was = _clean(before)
    if isinstance(was, str):
        return Check(name, "not run", was)
    if not was:
        return Check(name, "not run", "the file was not formatted by it before")
    if _clean(after) is not True:
        return Check(name, "failed", "it would format the repair otherwise")
    return Check(name, "passed")
