"""The child process: it reads hostile files, so it has limits, an empty environment and nothing to lose.

It speaks frames on its standard input and output (`pool` is the other end). In: a header (JSON, one line)
and a body (the source's bytes). Out: one frame a file, three lines: the result (empty for a clean file, as
most are), what it asks of other files, what it offers them. A file that raises kills the child: the parent
fails that file and goes on with a fresh child, so nothing here catches what it does not know.
"""

from __future__ import annotations

import gc
import os
import select
import struct
import sys
from collections.abc import Callable
from dataclasses import field
from typing import BinaryIO

from repairbot import languages, wire
from repairbot.examine import Examined, examine
from repairbot.languages.base import Language, Project
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Resource, Summary
from repairbot.model import FileResult, Outcome, Settings
from repairbot.rule import all_rules
from repairbot.suppression import suppress

try:
    import resource
except ImportError:  # not a POSIX system: the parent's clock is the only limit there
    resource = None  # type: ignore[assignment]

IN = struct.Struct(">II")
"""Before a frame to the child: the sizes of header and body, in bytes."""
OUT = struct.Struct(">I")
"""Before a frame to the parent: its size in bytes. The empty frame says "ready"."""
FIRST = "python"
"""The front end that is loaded in advance where nothing tells of another: there is time for one."""
HELD = 4 << 20
"""Bytes of the files whose repairs wait in one child; those beyond are examined again."""
WRITABLE = 16 << 20
"""Bytes of the largest file a child may write (compilers' scratch files, byte code)."""
YOUNG = 10_000
"""So many new objects are worth a look for cycles: the front ends leave next to none behind."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The first header a child gets: how to work. `memory` in MiB, `seconds` of processor time a file."""

    settings: Settings
    memory: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Request:
    """The header of one file. `summaries` and `resources`: what other files answered, by the asked name.

    `asked`: the names in it that others ask about. `provisional`: see `examine`.
    """

    path: str
    language: str
    fixes: bool = True
    provisional: bool = False
    asked: tuple[str, ...] = ()
    summaries: dict[str, Summary] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """The second line of an answer: what a file asks of others, and how often its analysis gave up.

    `makers`: asked about too, but only what hands out a resource is an answer. `waiting`: its repairs are not
    written yet.
    """

    asks: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    unknown: int = 0
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Offers:
    """The third line of an answer: what a file offers to others."""

    exports: tuple[Summary, ...] = ()
    resources: tuple[Resource, ...] = ()


def main(kinds: str = "") -> None:
    """Serve until the parent closes the pipe. `kinds`: the suffixes of the files that there are, see `child`."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whoever prints must not write into the answers
    known = languages.walk()
    all_rules()
    _write(answers, b"")
    if not _waiting():
        assert known[_likely(known, kinds)].frontend is not None  # loaded while there is no work yet
    first = _read(sys.stdin.buffer)
    if first is None:
        return
    setup = wire.decode(Setup, first[0])
    _limit(setup)
    gc.set_threshold(YOUNG)
    loaded: set[str] = set()
    pending = Pending()
    while frame := _read(sys.stdin.buffer):
        request = wire.decode(Request, frame[0])
        if request.language not in loaded:
            assert known[request.language].frontend is not None
            loaded.add(request.language)
            gc.freeze()  # what is imported stays
            _write(
                answers, b""
            )  # the first file of a language does not pay for its front end with its own time
        _allow(setup.seconds)
        _write(answers, _answer(request, frame[1], known, setup.settings, pending))


def _likely(known: dict[str, Language], kinds: str) -> str:
    """The language of the most frequent of these suffixes that one has."""
    suffixes = {suffix: name for name, language in known.items() for suffix in language.suffixes}
    return next((suffixes[kind] for kind in kinds.split(",") if kind in suffixes), FIRST)


class Pending:
    """Files whose repairs wait for what others answer, with what their first examination found.

    Most of them get no answer: where the repairs are asked of the same child, the file is not examined again.
    """

    def __init__(self) -> None:
        self._held: dict[str, tuple[bytes, Callable[[], Examined]]] = {}
        self._size = 0

    def examined(self, request: Request, source: bytes, language: Language, settings: Settings) -> Examined:
        """One file examined, or its repairs written."""
        held = self._held.pop(request.path, None)
        if held is not None:
            self._size -= len(held[0])
            new = request.summaries or request.resources or request.asked or request.provisional
            if request.fixes and not new and held[0] == source:
                return held[1]()
        project = Project(request.summaries, request.resources, frozenset(request.asked))
        examined = examine(
            source,
            request.path,
            language,
            settings,
            project,
            fixes=request.fixes,
            provisional=request.provisional,
        )
        if examined.waiting is not None and self._size + len(source) <= HELD:
            self._held[request.path] = source, examined.waiting
            self._size += len(source)
        return examined


def _answer(
    request: Request, source: bytes, known: dict[str, Language], settings: Settings, pending: Pending
) -> bytes:
    language = known[request.language]
    examined = pending.examined(request, source, language, settings)
    result = suppress(source, language, examined.result)
    first = (
        b"" if result == FileResult(request.path, request.language, Outcome.CLEAN) else wire.encode(result)
    )
    asking = offers = b"{}"
    if examined.asks or examined.makers or examined.unknown:
        asking = wire.encode(
            Asking(examined.asks, examined.makers, examined.unknown, examined.waiting is not None)
        )
    if examined.exports or examined.resources:
        offers = wire.encode(Offers(examined.exports, examined.resources))
    return b"\n".join((first, asking, offers))


def _waiting() -> bool:
    """Whether the parent has said something already."""
    return bool(select.select([sys.stdin.buffer], [], [], 0)[0])


def _read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    head = stream.read(IN.size)
    if len(head) < IN.size:
        return None
    sizes = IN.unpack(head)
    return stream.read(sizes[0]), stream.read(sizes[1])


def _write(stream: BinaryIO, frame: bytes) -> None:
    stream.write(OUT.pack(len(frame)) + frame)
    stream.flush()


def _limit(setup: Setup) -> None:
    if resource is None:
        return
    memory = setup.memory << 20
    wanted = {"RLIMIT_AS": memory, "RLIMIT_FSIZE": WRITABLE, "RLIMIT_CORE": 0}
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


def _allow(seconds: int) -> None:
    """A fresh allowance of processor time for the next file: it holds even when the parent is gone."""
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    if hard == resource.RLIM_INFINITY or soft <= hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
