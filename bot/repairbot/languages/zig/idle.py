"""Mentions of a name that only look at its value: told by the bytes around them, before any of the syntax is read.

What a function does with an argument is asked often, and most of what it does with it is to call its methods, to
compare its members and to index it. Nothing of that keeps the argument, hands it on or releases it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.zig.callees import RELEASES, STRONG
from repairbot.languages.zig.words import word_ends

_CHAIN: Final = re.compile(rb"((?:\.\*|\.\?)*)((?:\.\w+(?:\.\*|\.\?)*)*)")
"""Behind a name: dereferences, and then members."""
SCALARS: Final = frozenset({"len", "capacity", "size", "count", "handle", "kind", "tag"})
"""Members that are no part of what the value owns."""
_SCALAR: Final = re.compile(rf"\.(?:{'|'.join(sorted(SCALARS))})(?:\.\*|\.\?)*\Z".encode())
_BEHIND: Final = re.compile(
    rb"\[(?:(?!\.\.)[^\[\]\n])*\]"  # an element
    rb"|\s*(?:[=!<>]=|<|>|\+(?!\+)|-|/(?!/)|%|\*(?!\*)|and\b|or\b)"  # the left of an operator
)
_SET: Final = re.compile(rb"\s*(?:[-+*/%|&^]|<<|>>)?[%|]?=(?![=>])")
_AHEAD: Final = re.compile(rb"(?:[=!<>]=|[^=<>-]>|[^<]<|[^+]\+|-|[^/]/|%|!|~|\band|\bor)\s*\Z")
"""Ahead of the right side of an operator, or of what has a sign."""
_TESTED: Final = re.compile(rb"\b(?:if|while)\s*\(\Z")
_YES_NO: Final = re.compile(rb"\)\s*(?!\|)\S")
_OVER: Final = re.compile(rb"\bfor\s*\(&?\Z")
_EMPTIES: Final = re.compile(r"^(?:toOwned\w*|detach)$")
_NEAR: Final = 12
_GETS: Final = re.compile(rb"(?<![=!<>])=\s*\Z")
_WHOLE: Final = re.compile(rb"\s*[;,})]")


def busy(text: bytes, name: bytes) -> Iterator[int]:
    """Where the mentions of a name end that may do more with its value than to look at it."""
    for end in word_ends(text, name):
        if not idle(text, end - len(name), end):
            yield end


def idle(text: bytes, start: int, end: int) -> bool:
    """Whether the mention of a name at these bytes only looks at its value."""
    if text[start - 1 : start] == b".":
        return True  # a member of that name, or the end of a range
    chain = _CHAIN.match(text, end)
    assert chain is not None
    members, last = chain[2], chain.end()
    if text[last : last + 1] == b"(":
        return bool(members) and _called(members.decode("utf-8", "replace"))
    if members and (_SCALAR.search(members) or _SET.match(text, last)):
        return True
    if _BEHIND.match(text, last):
        return True
    ahead = text[max(start - _NEAR, 0) : start]
    if _AHEAD.search(ahead):
        return True
    if _TESTED.search(ahead):
        return _YES_NO.match(text, last) is not None
    return _OVER.search(ahead) is not None and text[last : last + 1] in (b")", b",")


def stored(text: bytes, name: bytes) -> bool:
    """Whether something gets the value of a name whole."""
    return any(
        _WHOLE.match(text, end) and _GETS.search(text[max(end - len(name) - _NEAR, 0) : end - len(name)])
        for end in word_ends(text, name)
    )


def _called(members: str) -> bool:
    """Whether calling a method, the last of these members, lets the value be."""
    names = re.findall(r"\w+", members)
    method = names[-1]
    return len(names) > 1 or not (RELEASES.search(method) or STRONG.match(method) or _EMPTIES.match(method))
