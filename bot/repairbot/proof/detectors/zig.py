"""Zig's own allocators: DebugAllocator (GeneralPurposeAllocator before 0.14) and the test runner's counts.

`error(gpa): memory address 0x... leaked:` from a program, `[gpa] (err): memory address 0x... leaked:` from a
test, `error(DebugAllocator):` since 0.16; each with a stack trace (lib/std/heap/debug_allocator.zig).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from repairbot.model import Frame
from repairbot.proof.detectors.base import Seen, Tally, located, own
from repairbot.proof.run import Ran

NAME = "zig"
ABOUT = "what DebugAllocator and `zig test` say; costs nothing"
SUFFIXES = (".zig",)
ALWAYS = True

_LEAK = re.compile(
    r"(?:error\((?:gpa|DebugAllocator|debug_allocator)\)|\[(?:gpa|DebugAllocator|debug_allocator)\] \(err\)): "
    r"memory address 0x[0-9a-f]+ leaked:"
)
_FRAME = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+):\d+: 0x[0-9a-f]+ in (?P<name>\S+) \(")
_TESTS = re.compile(r"^(\d+) tests? leaked memory\.", re.MULTILINE)
_SEEN = re.compile(r"^\d+ passed; |^All \d+ tests passed|^Build Summary: |\.zig:\d+:\d+: 0x", re.MULTILINE)


def environment(given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
    """Traces without colour."""
    return {"NO_COLOR": "1", "ZIG_PROGRESS": "0"} if "ZIG_PROGRESS" not in given else {"NO_COLOR": "1"}


def command(command: str, scratch: str) -> str:
    """As it is."""
    return command


def read(ran: Ran) -> Seen:
    """Every address that leaked, by its trace."""
    leaks = parse(ran.out, ran.top)
    if not leaks.held and (tests := _TESTS.search(ran.out)):
        leaks.add("tests leaked memory", (), int(tests.group(1)))
    # A program that leaks nothing says nothing: that is an answer too, as long as it ran to its end.
    return Seen(leaks.leaks() if leaks.held or ran.code == 0 or _SEEN.search(ran.out) else None)


def parse(text: str, top: str) -> Tally:
    """The leaks in what was printed. An address is told once; a trace ends with the first other line."""
    tally = Tally()
    lines = text.splitlines()
    told: set[str] = set()
    for number, line in enumerate(lines):
        found = _LEAK.search(line)
        if found is None or (address := found.group().split("0x")[1]) in told:
            continue
        told.add(address)
        trace: list[Frame] = []
        for below in lines[number + 1 :]:
            if frame := _FRAME.match(below):
                trace.append(Frame(located(frame["path"], top), int(frame["line"]), frame["name"]))
            elif _LEAK.search(below) or not below.strip():
                break
        tally.add("memory leaked", own(trace))
    return tally
