"""Reads the tokens of a macro from their bytes: where brackets close, where a sign stands outside of them."""

from __future__ import annotations

import re
from typing import Final

_OPENING: Final = b"([{"
_CLOSING: Final = b")]}"
_NOISE: Final = re.compile(
    rb'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:[^"\\]|\\.)*"|b?\'(?:[^\'\\]|\\.[^\']*)\'', re.DOTALL
)


def blanked(source: bytes) -> bytes:
    """The source with comments and strings blanked; every byte stays where it is."""
    return _NOISE.sub(lambda match: re.sub(rb"[^\n]", b" ", match[0]), source)


def equals(plain: bytes, begin: int, end: int) -> int:
    """The sign between pattern and future, -1 where there is none."""
    for match in re.compile(rb"(?<![=<>!])=(?![=>])").finditer(plain, begin, end):
        if _depth(plain, begin, match.start()) == 0:
            return match.start()
    return -1


def _depth(plain: bytes, begin: int, end: int) -> int:
    piece = plain[begin:end]
    return sum(piece.count(bytes([one])) for one in _OPENING) - sum(
        piece.count(bytes([one])) for one in _CLOSING
    )


def at_top(plain: bytes, begin: int, end: int, sign: bytes) -> int:
    """Where a sign stands outside of brackets, -1 for nowhere."""
    depth, position = 0, begin
    while position < end:
        one = plain[position]
        if one in _OPENING:
            depth += 1
        elif one in _CLOSING:
            depth -= 1
        elif depth == 0 and plain.startswith(sign, position):
            return position
        position += 1
    return -1


def close(plain: bytes, opening: int) -> int:
    """The bracket that closes one, the end where none does."""
    depth = 0
    for position in range(opening, len(plain)):
        if plain[position] in _OPENING:
            depth += 1
        elif plain[position] in _CLOSING:
            depth -= 1
            if depth == 0:
                return position
    return len(plain) - 1
