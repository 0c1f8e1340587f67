"""Untrusted text in Markdown: paths, names, code and messages stay text, whatever they hold.

Everything a template prints goes through a function from here and comes out as `Safe`. Tried against
markdown-it and cmark-gfm. What GitHub adds after rendering (mentions, references to issues and commits,
emoji, links of bare addresses) leaves code spans alone, so whatever could become one goes into a span.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from repairbot.lazily import regex


class Safe(str):
    """Markdown that may be printed as it is: our own words, or the result of a function of this module."""

    __slots__ = ()


# Printable for Python, and yet nothing to see: fillers, joiners, variation selectors, the blank braille cell.
_INVISIBLE: Final = regex(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BACKTICKS: Final = regex("`+")
_LANGUAGE: Final = regex(r"[a-z]*\Z")

# A word that no renderer makes anything of: letters and digits, joined by a hyphen, apostrophe or slash.
_WORD: Final = regex(r"\(?[^\W_]+(?:['\u2019/-][^\W_]+)*\)?[.,;:!?]*\Z|[\u00d7·→\u2013—…]\Z")
_FIGURE: Final = regex(r"\(?[0-9]+(?:[.,][0-9]+)+%?\)?[.,;:!?]*\Z")
# Words that it does make something of: commit ids, references with a prefix (GH-1).
_REFERENCE: Final = regex(r"-[0-9]|(?<![^\W_])[0-9a-fA-F]{7,40}(?![^\W_])")
_NUMBERED: Final = regex(r"[0-9]+[.)]\Z")
_TAIL: Final = regex(r"[.,;:!?]*\Z")
_QUOTED: Final = regex(r"`([^`]+)`")


def visible(text: str, keep: str = "") -> str:
    """The text with everything that is not to be seen (control, bidi, invisible characters) as escapes.

    `keep`: characters to leave alone, such as the line feed of a block.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(
        char
        if char in keep or (char.isprintable() and not _INVISIBLE.match(char))
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def clip(text: str, length: int) -> str:
    """At most `length` characters, the last an ellipsis where something was cut."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


def code(text: str) -> Safe:
    """A code span. Two spans must not touch: put a blank or a sign between them."""
    shown = visible(text)
    if not shown:
        return Safe("")
    ticks = "`" * (_longest_run(shown) + 1)
    padded = shown[0] == "`" or shown[-1] == "`" or (shown[0] == shown[-1] == " " and bool(shown.strip()))
    pad = " " if padded else ""
    return Safe(f"{ticks}{pad}{shown}{pad}{ticks}")


def cell_code(text: str) -> Safe:
    """A code span in a table. Renderers differ on escaped pipes there, so each pipe is a piece of HTML."""
    return Safe("<code>&#124;</code>".join(code(part) for part in text.split("|")))


def _ordinary(word: str) -> bool:
    return bool(_FIGURE.match(word) or (_WORD.match(word) and not _REFERENCE.search(word)))


def _prose(text: str, name: str, span: Callable[[str], Safe]) -> Safe:
    words: list[str] = [""]
    # Odd parts stood between backticks: the author of the message means them as code.
    for index, part in enumerate(_QUOTED.split(text)):
        if index % 2:
            words.append(span(part))
            continue
        for position, word in enumerate(part.split()):
            if position == 0 and index and _TAIL.match(word):
                words[-1] += word  # the full stop behind a quoted name
            elif (
                _ordinary(word) and word.rstrip(".,;:!?") != name and (words[1:] or not _NUMBERED.match(word))
            ):
                words.append(word)
            else:
                tail = _TAIL.search(word)
                cut = tail.start() if tail and tail.start() else len(word)
                words.append(span(word[:cut]) + word[cut:])
    return Safe(" ".join(word for word in words if word))


def plain(text: str, name: str = "") -> Safe:
    """A sentence in one line: ordinary words as they are, all else (calls, names, signs) as code spans.

    `name`: a name in it that looks like an ordinary word and is to be a code span too.
    """
    return _prose(text, name, code)


def cell(text: str, name: str = "") -> Safe:
    """A sentence inside a table."""
    return _prose(text, name, cell_code)


def fence(text: str, language: str = "") -> Safe:
    """A code block that its content cannot end; it stands on lines of its own. Ends in a line feed."""
    if not _LANGUAGE.match(language):
        raise ValueError(f"not a language name: {language!r}")
    body = visible(text.replace("\r\n", "\n"), keep="\n\t")
    ticks = "`" * max(_longest_run(body) + 1, 3)
    return Safe(f"{ticks}{language}\n{body}{'' if body.endswith(chr(10)) or not body else chr(10)}{ticks}\n")


def own(text: str) -> Safe:
    """Words of ours (a literal of the model or a template), printed as they are: never for what was read."""
    return Safe(text)


def require_safe(value: object) -> object:
    """The last gate of a template (Jinja's `finalize`): only `Safe` and numbers are printed."""
    if isinstance(value, Safe | int) or value == "":
        return value
    raise TypeError(f"a template prints text that went through no filter of markup.py: {value!r:.80}")
