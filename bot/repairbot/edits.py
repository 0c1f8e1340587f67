"""Edits of a file's bytes: checked, applied from the end, found between two texts, shown as a diff.

The rest of the program works on UTF-8; `transcode` brings another encoding in and edits back out. A
byte-order mark, line ends and whatever no edit names stay as they are, to the byte.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence

from repairbot.lazily import dataclass, regex
from repairbot.model import Edit

CONTEXT = 3
"""Lines around a change in a unified diff."""
NO_NEWLINE = "\\ No newline at end of file\n"
COOKIE = regex(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""PEP 263: https://peps.python.org/pep-0263/#defining-the-encoding"""

_DECLARED = regex(r"\b(?:const|var|let)\s+(\w+)\s*[=:]")

Opcode = tuple[str, int, int, int, int]


class BadEditsError(ValueError):
    """Edits that overlap or leave the source."""


class UndecodableError(ValueError):
    """A file whose bytes are not text in its encoding; the message is one clear line."""


def ordered(edits: Iterable[Edit], size: int) -> tuple[Edit, ...]:
    """The edits in the order of the source of `size` bytes; those at one place keep their order.

    Raises BadEditsError when one leaves the source or two overlap. Edits that only touch do not overlap.
    """
    result = tuple(sorted(edits, key=lambda edit: (edit.start, edit.end)))
    behind = 0
    for edit in result:
        if not 0 <= edit.start <= edit.end <= size:
            raise BadEditsError(f"an edit of {edit.start} to {edit.end} leaves the source of {size} bytes")
        if edit.start < behind:
            raise BadEditsError(f"two edits overlap at byte {edit.start}")
        behind = edit.end
    return result


def overlap(some: Iterable[Edit], others: Iterable[Edit]) -> bool:
    """Whether edits of the one set meet edits of the other, or insert at the same place.

    Equal edits (the same import, say) do not count: both sets want the same thing.
    """
    both = set(some) & set(others)
    mine = [edit for edit in some if edit not in both]
    theirs = [edit for edit in others if edit not in both]
    return any(
        (a.start < b.end and b.start < a.end) or a.start == b.start or a.start == b.end or a.end == b.start
        for a in mine
        for b in theirs
    )


def declared(edits: Iterable[Edit]) -> set[str]:
    """The names that edits declare by a keyword: each was free, but two edits may have chosen the same one."""
    return {name for edit in edits for name in _DECLARED.findall(edit.text)}


def apply(source: bytes, edits: Iterable[Edit], encoding: str = "utf-8") -> bytes:
    """The source with the edits made. Raises BadEditsError, UnicodeEncodeError."""
    parts: list[bytes] = []
    behind = len(source)
    for edit in reversed(ordered(edits, len(source))):
        parts += [source[edit.end : behind], edit.text.encode(encoding)]
        behind = edit.start
    parts.append(source[:behind])
    return b"".join(reversed(parts))


def minimal(before: bytes, after: bytes) -> tuple[Edit, ...]:
    """Small edits that turn one UTF-8 text into another: by lines, then trimmed to what differs in them."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    edits: list[Edit] = []
    for _, a, b, c, d in _changes(old, new):
        was, now = b"".join(old[a:b]), b"".join(new[c:d])
        head = _common(was, now)
        tail = _common(was[head:][::-1], now[head:][::-1])
        while head and _continues(was, head, now):
            head -= 1
        while tail and (_continues(was, len(was) - tail, now) or _continues(now, len(now) - tail, was)):
            tail -= 1
        text = now[head : len(now) - tail]
        edits.append(Edit(starts[a] + head, starts[b] - tail, text.decode()))
    return tuple(edits)


def _common(some: bytes, other: bytes) -> int:
    limit = min(len(some), len(other))
    return next((index for index in range(limit) if some[index] != other[index]), limit)


def _continues(text: bytes, index: int, other: bytes) -> bool:
    """Whether an index stands inside a character (or between CR and LF) of either text."""
    return any(
        index < len(each)
        and (each[index] & 0xC0 == 0x80 or (each[index] == 10 and each[index - 1 : index] == b"\r"))
        for each in (text, other)
    )


def _changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[Opcode]:
    """The differing stretches of two sequences of lines; equal heads and tails cost nothing."""
    head, limit = 0, min(len(old), len(new))
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    from difflib import SequenceMatcher  # what repairs nothing writes no diff

    inner = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False)
    return [
        (tag, a + head, b + head, c + head, d + head)
        for tag, a, b, c, d in inner.get_opcodes()
        if tag != "equal"
    ]


def unified(before: bytes, after: bytes, path: str, encoding: str = "utf-8") -> str:
    """The unified diff of two versions of a file, "" when they are the same.

    Headers as git writes them (`--- a/PATH`); lines are split at line feeds only, their ends as in the file.
    """
    if before == after:
        return ""
    start, end = _apart(before, after)
    ahead = before.count(b"\n", 0, start)
    old, new = _lines(before[start : len(before) - end]), _lines(after[start : len(after) - end])
    parts = [f"--- a/{path}\n", f"+++ b/{path}\n"]
    group: list[Opcode] = []
    for change in _changes(old, new):
        if group and change[1] - group[-1][2] > 2 * CONTEXT:
            parts += _hunk(group, old, new, encoding, ahead)
            group = []
        group.append(change)
    return "".join(parts + _hunk(group, old, new, encoding, ahead))


def _apart(before: bytes, after: bytes) -> tuple[int, int]:
    """How many bytes of whole lines stand ahead of, and behind, what differs and its context."""
    limit = min(len(before), len(after))
    start = _shared(limit, lambda low, high: before[low:high] == after[low:high])
    size, other = len(before), len(after)
    tail = _shared(
        limit - start, lambda low, high: before[size - high : size - low] == after[other - high : other - low]
    )
    end = size - tail
    for _ in range(CONTEXT + 1):
        start = before.rfind(b"\n", 0, max(start, 0))
        end = before.find(b"\n", end) + 1 or size
    return start + 1, size - end


def _shared(limit: int, same: Callable[[int, int], bool]) -> int:
    """The largest size up to which all is the same, found by halves; `same` tells it of what stands between two."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if same(low, middle) else (low, middle - 1)
    return low


def _lines(source: bytes) -> tuple[bytes, ...]:
    lines = source.split(b"\n")
    return (*(line + b"\n" for line in lines[:-1]), *(lines[-1:] if lines[-1] else ()))


def _hunk(
    group: list[Opcode], old: Sequence[bytes], new: Sequence[bytes], encoding: str, ahead: int
) -> list[str]:
    """`ahead`: the lines of the file ahead of these."""
    first, last = group[0], group[-1]
    a, b = max(first[1] - CONTEXT, 0), min(last[2] + CONTEXT, len(old))
    c, d = first[3] - (first[1] - a), last[4] + (b - last[2])
    parts = [f"@@ -{_range(a + ahead, b + ahead)} +{_range(c + ahead, d + ahead)} @@\n"]
    at = a
    for _, start, end, start_new, end_new in group:
        parts += [_shown(" ", line, encoding) for line in old[at:start]]
        parts += [_shown("-", line, encoding) for line in old[start:end]]
        parts += [_shown("+", line, encoding) for line in new[start_new:end_new]]
        at = end
    return parts + [_shown(" ", line, encoding) for line in old[at:b]]


def _range(start: int, end: int) -> str:
    if end - start == 1:
        return f"{start + 1}"
    return f"{start + 1 if end > start else start},{end - start}"


def _shown(sign: str, line: bytes, encoding: str) -> str:
    text = sign + line.decode(encoding)
    return text if line.endswith(b"\n") else f"{text}\n{NO_NEWLINE}"


@dataclass(frozen=True, slots=True)
class Transcoded:
    """A file's text in UTF-8 and the way back. `data` is the file itself when it is UTF-8 already."""

    data: bytes
    encoding: str

    def back(self, edits: Iterable[Edit]) -> tuple[Edit, ...]:
        """The same edits with offsets into the file as it is stored. Raises UnicodeEncodeError when the
        encoding has no place for a text."""
        if self.encoding == "utf-8":
            return tuple(edits)
        result = []
        for edit in edits:
            edit.text.encode(self.encoding)
            result.append(Edit(self._offset(edit.start), self._offset(edit.end), edit.text))
        return tuple(result)

    def back_to_bytes(self) -> bytes:
        """The file as it is stored."""
        return self.data if self.encoding == "utf-8" else self.data.decode().encode(self.encoding)

    def _offset(self, offset: int) -> int:
        return len(self.data[:offset].decode().encode(self.encoding))


def transcode(source: bytes) -> Transcoded:
    """A file's bytes as UTF-8, by its coding cookie if it has one. Raises UndecodableError."""
    encoding = _encoding(source)
    try:
        text = source.decode(encoding)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise UndecodableError(f"line {line} is not {encoding} (byte 0x{source[error.start]:02x})") from None
    return Transcoded(source if encoding == "utf-8" else text.encode(), encoding)


def _encoding(source: bytes) -> str:
    if source.startswith(codecs.BOM_UTF8):
        return "utf-8"
    for line in source.split(b"\n", 2)[:2]:
        if match := COOKIE.match(line):
            name = match[1].decode("ascii", "replace")
            try:
                info = codecs.lookup(name)
                if not info._is_text_encoding:
                    raise LookupError(name)
            except LookupError:
                raise UndecodableError(f"its coding cookie names an unknown encoding, {name}") from None
            return info.name
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
    return "utf-8"
