"""Valgrind's memcheck: memory that was definitely or indirectly lost, from its XML.

Format: docs/internals/xml-output-protocol4.txt of valgrind.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from repairbot.model import Frame
from repairbot.proof import ProofError
from repairbot.proof.detectors.base import Seen, Tally, located, own
from repairbot.proof.run import Ran

NAME = "valgrind"
ABOUT = "memory definitely or indirectly lost; 20 to 50 times slower, so only when it is named"
SUFFIXES = (".c", ".cc", ".cpp", ".rs", ".h")
ALWAYS = False

_KINDS = {"Leak_DefinitelyLost": "definitely lost", "Leak_IndirectlyLost": "indirectly lost"}
_DIRECT = re.compile(r"\(([\d,]+) direct, [\d,]+ indirect\)")
_TOOLS = (
    "/bin/sh",
    "/usr/bin/sh",
    "/bin/bash",
    "/usr/bin/bash",
    "/bin/dash",
    "/usr/bin/dash",
    "*/cc1",
    "*/ld",
)


def environment(given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
    """Nothing: all is on the command line."""
    return {}


def command(command: str, scratch: str) -> str:
    """The command's processes under memcheck, each with a file of its own; shells and compilers as they are."""
    if shutil.which("valgrind") is None:
        raise ProofError(
            "valgrind is not installed: install it (apt install valgrind) or name another --detector."
        )
    own_file = os.path.join(scratch, "valgrind.%p.xml")
    options = [
        *("valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect"),
        *("--num-callers=30", "--trace-children=yes", f"--trace-children-skip={','.join(_TOOLS[6:])}"),
        *("--xml=yes", f"--xml-file={own_file}"),
    ]
    return f"{shlex.join(options)} sh -c {shlex.quote(command)}"


def read(ran: Ran) -> Seen:
    """The leaks of all processes but the shell."""
    tally, read_any, notes = Tally(), False, []
    for name in sorted(os.listdir(ran.scratch)):
        if not name.startswith("valgrind."):
            continue
        with open(os.path.join(ran.scratch, name), "rb") as file:
            text = file.read()
        try:
            read_any |= parse(text, ran.top, tally)
        except ET.ParseError:
            notes.append("valgrind's report of one process was cut off")
    return Seen(tally.leaks() if read_any else None, (), tuple(notes))


def parse(text: bytes, top: str, tally: Tally) -> bool:
    """Take in one report; False when it is of a shell, which is no part of the program."""
    root = ET.fromstring(text)  # written by valgrind, in a folder of ours
    executable = root.findtext("args/argv/exe") or ""
    if executable in _TOOLS or os.path.basename(executable) in ("sh", "bash", "dash"):
        return False
    for error in root.iter("error"):
        what = _KINDS.get(error.findtext("kind") or "")
        if what is None:
            continue
        trace = [_frame(frame, top) for frame in error.iterfind("stack/frame")]
        count = int(error.findtext("xwhat/leakedblocks") or 1)
        direct = _DIRECT.search(
            error.findtext("xwhat/text") or ""
        )  # what hangs on it has a record of its own
        size = int((direct[1].replace(",", "") if direct else error.findtext("xwhat/leakedbytes")) or 0)
        tally.add(what, own([frame for frame in trace if frame.line]), count, size)
    return True


def _frame(frame: ET.Element, top: str) -> Frame:
    path = os.path.join(frame.findtext("dir") or "", frame.findtext("file") or "")
    return Frame(
        located(path, top) if path else "", int(frame.findtext("line") or 0), frame.findtext("fn") or ""
    )
