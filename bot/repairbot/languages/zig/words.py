"""Finding words in source text. A pattern for each name would cost more to compile than to search with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import AnyStr, Final


def word_ends(text: AnyStr, word: AnyStr, first: int = 0) -> Iterator[int]:
    """Where a word, or a chain of them ("self.items", ".items"), ends in a text: nothing of a word stands around it."""
    size, find, joins = len(word), text.find, word[:1] in _JOINED
    start = find(word, first)
    while start >= 0:
        end = start + size
        if text[end : end + 1] not in _JOINED and not (joins and text[max(start - 1, 0) : start] in _JOINED):
            yield end
        start = find(word, start + 1)


WORD: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
"""What names are made of."""
_JOINED: Final[frozenset[str | bytes]] = frozenset(
    each for letter in WORD.decode() for each in (letter, letter.encode())
)


def last_word(text: bytes, more: bytes = b"") -> bytes:
    """What of a name, and of these characters, a text ends with; b"" for nothing of it."""
    return text[len(text.rstrip(WORD + more)) :]


def has_word(text: AnyStr, word: AnyStr) -> bool:
    """Whether a word stands in a text."""
    return next(word_ends(text, word), None) is not None
