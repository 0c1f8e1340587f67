"""LeakSanitizer, by itself or within AddressSanitizer: what a program says that was built with it.

Format: compiler-rt/lib/lsan/lsan_common.cpp (`Direct leak of N byte(s) in M object(s) allocated from:`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from repairbot.model import Frame
from repairbot.proof.detectors.base import Seen, Tally, located, own
from repairbot.proof.run import Ran

NAME = "sanitizer"
ABOUT = "LeakSanitizer and AddressSanitizer, where the program is built with them"
SUFFIXES = (".c", ".cc", ".cpp", ".rs", ".h")
ALWAYS = True

_LEAK = re.compile(r"^(Direct|Indirect) leak of (\d+) byte\(s\) in (\d+) object\(s\) allocated from:")
_FRAME = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ (?:in (?P<name>.+?) )?(?P<path>/[^\n]*?):(?P<line>\d+)(?::\d+)?$")
_ANY_FRAME = re.compile(r"^\s+#\d+ 0x[0-9a-f]+")
_SAID = re.compile(
    r"^==\d+==ERROR: (?:Leak|Address)Sanitizer|^SUMMARY: (?:Leak|Address)Sanitizer", re.MULTILINE
)


def environment(given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
    """Leaks are looked for at the end, without colour; what the user set stays in front."""
    mine = "detect_leaks=1:color=never"
    return {
        name: ":".join(filter(None, (mine, given.get(name)))) for name in ("ASAN_OPTIONS", "LSAN_OPTIONS")
    }


def command(command: str, scratch: str) -> str:
    """As it is."""
    return command


def read(ran: Ran) -> Seen:
    """The leaks of the report. A program without a report ended without leaks, or was not built for it."""
    if "LeakSanitizer has encountered a fatal error" in ran.out:
        return Seen(None, (), ("LeakSanitizer cannot work here (a debugger, or ptrace is not allowed)",))
    leaks = parse(ran.out, ran.top)
    return Seen(leaks.leaks() if leaks.held else (() if ran.code == 0 or _SAID.search(ran.out) else None))


def parse(text: str, top: str) -> Tally:
    """The leaks in a sanitizer's report."""
    tally = Tally()
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = _LEAK.match(line)
        if found is None:
            continue
        trace: list[Frame] = []
        for below in lines[number + 1 :]:
            if frame := _FRAME.match(below):
                trace.append(Frame(located(frame["path"], top), int(frame["line"]), frame["name"] or ""))
            elif not _ANY_FRAME.match(below):
                break
        tally.add(f"{found.group(1).lower()} leak", own(trace), int(found.group(3)), int(found.group(2)))
    return tally
