"""What libcst need not read to write one repair: the other functions and classes at the top of the file.

Each is replaced, byte for byte, by an assignment of a blank string to its name (`work="   "`): every offset and
line stays where it is, the name stays bound, and a large file costs what its repaired part costs. The tree is
for reading alone; whether the file as a whole holds is checked on the whole file afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.lifetimes.ops import Intent

_TOP = re.compile(rb"^(?:@|class\b|def\b|async[ \t]+def\b)", re.MULTILINE)
_HEAD = re.compile(rb"^(?:async[ \t]+)?(?:def|class)[ \t]+([^\W\d]\w*)", re.MULTILINE)
_NEXT = re.compile(rb"^[^\s#)\]}]", re.MULTILINE)
"""Where the next statement at the top of the file begins."""
_VISIBLE = re.compile(rb"[^\r\n]")
_LEAST = 20_000
"""Bytes of a file from which it is worth the trouble."""


def focused(data: bytes, intent: Intent) -> bytes:
    """The source with what the intent does not touch blanked out; the source itself where all of it may matter."""
    if len(data) < _LEAST or re.search(rb"^[ \t]+global[ \t]", data, re.MULTILINE):
        return data
    spans = (intent.at, *intent.spans)
    named = {value.partition(".")[0].encode() for value in intent.args.values()}
    parts, behind, around = [], 0, False
    for start, end, name in _definitions(data):
        touched = any(span.start < end and start < span.end for span in spans)
        around |= start <= intent.at.start < end
        if touched or name in named:
            continue
        blank = _VISIBLE.sub(b" ", data[start:end])
        opening, closing = name + b'="""', b'"""'
        if len(data[start:end]) < len(opening) + len(closing) or not blank.startswith(b" " * len(opening)):
            continue
        parts += [data[behind:start], opening, blank[len(opening) : len(blank) - len(closing)], closing]
        behind = end
    return b"".join([*parts, data[behind:]]) if around and parts else data


def _definitions(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Where each function and class at the top of the file begins (with its decorators) and ends, and its name."""
    end = 0
    for match in _TOP.finditer(data):
        start = match.start()
        if start < end:
            continue
        head = _HEAD.search(data, start)
        if head is None:
            return
        following = _NEXT.search(data, head.end())
        end = following.start() if following else len(data)
        block = data[start:end].rstrip()
        lines = block.split(b"\n")
        while len(lines) > 1 and not lines[-1][:1].isspace() and not lines[-1].startswith((b")", b"]", b"}")):
            lines.pop()  # comments at the margin behind it belong to what follows
        end_of_code = start + len(b"\n".join(lines).rstrip())
        yield start, end_of_code, head[1]
