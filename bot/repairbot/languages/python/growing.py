"""What the bytes around a mention of a collection say: may it grow there? Most files are spared their tree by this.

A look at one line can only rule out. Where the line does not say all, the answer is "it may".
"""

from __future__ import annotations

from typing import Final

from repairbot.languages.python.shapes import occurrences
from repairbot.languages.python.syntax import APART
from repairbot.languages.python.vocabulary import GROWS, HEAP_GROWS
from repairbot.lazily import regex

_GROWTH: Final = regex(
    rb"\.(?:" + b"|".join(sorted(name.encode() for name in GROWS)) + rb")\b|\[[^\n]*(?:=|\.\w+\()|[ \t]*[+|]"
)
"""What stands behind a name when it grows then and there."""
_ONWARD: Final = frozenset(b".[),\n:")
"""What may stand behind a member that grows under another name."""
_OTHER_METHOD: Final = regex(rb"\.(?!(?:get|items|values|queue)\b)\w")
"""A method whose result is neither the member nor in it, or another attribute."""
_TESTED: Final = regex(rb"(?:^|[ \t(])(?:if|elif|while|not|and|or)[ \t]+$")
_PASSED: Final = regex(rb"(\w+)\($")
_HANDS_ON: Final = frozenset(
    b"list tuple sorted reversed iter enumerate in if elif else and or not return yield await is lambda".split()
    + [name.encode() for name in HEAP_GROWS]
)
"""Words before a bracket after which what stands in it may go on under another name, or grows."""
_DEF: Final = regex(rb"def[ \t]+(\w+)")


def grows(source: bytes, name: bytes, offsets: list[int], *, shared: bool) -> bool:
    """Whether some mention of a name may add to it. `offsets`: where the word stands.

    What an object keeps is mentioned behind a dot and may also grow under another name; what is `shared` is followed
    through assignments alone.
    """
    size = len(name)
    aliases: set[bytes] = set()
    for offset in offsets:
        end = offset + size
        if not shared and source[offset - 1 : offset] != b".":
            continue
        if _GROWTH.match(source, end):
            return True
        if not shared:
            if source[end : end + 1] and source[end] in _ONWARD and not _harmless(source, offset, end):
                return True
        elif source[offset - 2 : offset] == b"= ":
            line = source[source.rfind(b"\n", 0, offset) + 1 : offset]
            aliases.update(line.partition(b"=")[0].partition(b":")[0].translate(APART).split()[-1:])
    return any(
        _GROWTH.match(source, offset + len(alias))
        for alias in aliases
        for offset in occurrences(source, alias, 0, len(source))
    )


def _harmless(source: bytes, offset: int, end: int) -> bool:
    """Whether the line of a member, from `offset` to `end`, says that nothing of it goes on from there."""
    if _OTHER_METHOD.match(source, end):
        return True
    line = source.rfind(b"\n", 0, offset) + 1
    before = source[line:offset].rstrip(b".")
    head = before.rpartition(b" ")[2].rpartition(b"(")[2]  # the receiver
    before = before[: len(before) - len(head)]
    start, behind = before.lstrip(), source[end : end + 1]
    if behind == b":" and not start:
        return True  # an annotation
    if behind == b":" and _TESTED.search(before):
        return True
    if behind in b"),":
        passed = _PASSED.search(before)
        if passed is not None and passed[1] not in _HANDS_ON:
            return True
    if before.endswith(b" in ") and start != b"in ":
        return not start.startswith((b"for ", b"async for "))
    if start == b"return " and behind == b"\n":
        return _asked_nowhere(source, line)
    return False


def _asked_nowhere(source: bytes, line: int) -> bool:
    """Whether the name of the function around a line stands in the file once: nobody here calls it."""
    head = source.rfind(b"def ", 0, line)
    name = _DEF.match(source, head) if head >= 0 else None
    return name is not None and source.count(name[1]) == 1
