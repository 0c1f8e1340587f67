"""What the words of a file tell before it is parsed: most files hold nothing that could leak."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from repairbot.languages.typescript.vocabulary import TEARDOWNS
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Resource

_APART: Final = bytes(
    byte if chr(byte).isalnum() or byte in b"_$" or byte > 127 else 32 for byte in range(256)
)
_WORD: Final = regex(r"[\w]+")
_LISTENERS: Final = frozenset({b"on", b"once", b"addListener", b"addEventListener", b"subscribe"})
_REMOVALS: Final = frozenset(
    {b"off", b"removeListener", b"removeEventListener", b"un", b"detachEvent", b"unsubscribe"}
)
_TIMERS: Final = frozenset({b"setTimeout", b"setInterval"})
_ENDINGS: Final = frozenset(name.strip("[]").encode() for name in TEARDOWNS) | {
    b"register",
    b"_register",
    b"Disposable",
}
_KEEPS: Final = frozenset(
    {b"_register", b"register", b"_disposables", b"disposables", b"toDispose", b"subscriptions"}
)
_FILES: Final = frozenset({b"readFile", b"readFileSync", b"readTextFile", b"readTextFileSync"})
_QUERIES: Final = frozenset(
    {b"execute", b"toArray", b"findMany", b"findAll", b"getMany", b"manyOrNone", b"fetchAll"}
)
_EFFECTS: Final = frozenset({b"useEffect", b"useLayoutEffect", b"onMounted", b"onMount"})
_COLLECTION: Final = rb"(?:new (?:Map|Set|Array)\b|\[\]|\{\}|Object\.create)"
_EMPTY: Final = regex(
    rb"(?m)^(?:export[ \t]+)?(?:const|let|var)[ \t]+[\w$]+[^=\n;]*=[ \t]*"
    + _COLLECTION
    + rb"|this(?:\.[\w$#]+|\[\w+\])[ \t]*=[ \t]*"
    + _COLLECTION
    + rb"|^[ \t]+(?!const\b|let\b|var\b)[#\w$ ]+(?:[?!]?:[^=\n;]*)?=[ \t]*"
    + _COLLECTION
)
"""A module's or an object's collection while it is empty."""
_SELECT: Final = regex(rb"(?i)[`'\"]\s*select\b")
_ENDLESS: Final = regex(rb";[ \t]*;[^\n)]*\)|while[ \t]*\((?:true|1)\)")


@lru_cache(maxsize=4)
def words_of(source: bytes) -> frozenset[bytes]:
    """Every word in a source, comments and strings included."""
    return frozenset(source.translate(_APART).split())


@lru_cache(maxsize=8)
def _needed(resources: tuple[Resource, ...]) -> dict[bytes, tuple[frozenset[bytes], ...]]:
    """By the last word of an acquiring name: the other words of which all must stand in the file, too."""
    found: dict[bytes, list[frozenset[bytes]]] = {}
    for resource in resources:
        for name in resource.acquire:
            words = [word.encode() for word in _WORD.findall(name.removeprefix("new "))]
            others = () if name.startswith("*") else words[:-1]
            found.setdefault(words[-1], []).append(frozenset(others))
    return {last: tuple(others) for last, others in found.items()}


def acquires(words: frozenset[bytes], resources: tuple[Resource, ...]) -> bool:
    """Whether some acquiring name can stand in a file with these words."""
    needed = _needed(resources)
    return any(others <= words for word in needed.keys() & words for others in needed[word])


def dull(source: bytes, resources: tuple[Resource, ...]) -> bool:
    """Whether nothing in a source acquires, grows, registers or loads anything."""
    words = words_of(source)
    ends = not _ENDINGS.isdisjoint(words) and (
        b"class" in words or b"prototype" in words or b"extend" in words
    )
    listens = not _LISTENERS.isdisjoint(words)
    return not (
        (
            ends
            and (b"new" in words or listens or not _KEEPS.isdisjoint(words) or not _TIMERS.isdisjoint(words))
        )
        or (listens and (b"addEventListener" in words or not _REMOVALS.isdisjoint(words)))
        or (listens and source.count(b".on(") > 1)
        or not _EFFECTS.isdisjoint(words)
        or not _FILES.isdisjoint(words)
        or not _QUERIES.isdisjoint(words)
        or (b"await" in words and b"push" in words)
        or (b"catch" in words and b"throw" in words and b"this" in words and b"await" in words)
        or (b"+=" in source and b"break" in words and _ENDLESS.search(source))
        or (b"then" in words and b"unsubscribe" in words)
        or b"delete" in words
        or acquires(words, resources)
        or _EMPTY.search(source)
        or ((b"select" in words or b"SELECT" in words) and _SELECT.search(source))
    )
