"""Finding words in source text. A pattern for each name would cost more to compile than to search with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import AnyStr


def word_ends(text: AnyStr, word: AnyStr, first: int = 0) -> Iterator[int]:
    """Where a word, or a chain of them ("self.items", ".items"), ends in a text: nothing of a word stands around it."""
    size = len(word)
    end = text.find(word, first) + size
    while end >= size:
        start = end - size
        if not (
            _joined(text[end : end + 1]) or (_joined(word[:1]) and _joined(text[max(start - 1, 0) : start]))
        ):
            yield end
        end = text.find(word, start + 1) + size


def has_word(text: AnyStr, word: AnyStr) -> bool:
    """Whether a word stands in a text."""
    return next(word_ends(text, word), None) is not None


def _joined(character: str | bytes) -> bool:
    """Whether a character (or none) is part of a name."""
    return character.isalnum() or character in ("_", b"_")
