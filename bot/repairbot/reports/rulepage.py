"""The page of a rule for `repairbot explain`: its docstring and its examples, which are also its tests."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff
from typing import Final, Literal, NamedTuple

from repairbot.lazily import regex
from repairbot.reports import Options, RuleInfo, Sample
from repairbot.reports.markup import visible
from repairbot.reports.terminal import Ink

_STRONG: Final = regex(r"\*\*(.+?)\*\*")


class Part(NamedTuple):
    """One example: a heading, and code or a diff of it."""

    kind: Literal["repaired", "reported", "quiet"]
    heading: str
    text: str
    language: str


def body(info: RuleInfo) -> str:
    """The page without its first line, which is the title."""
    return info.page.partition("\n")[2].strip()


def _part(sample: Sample) -> Part:
    why = f": {sample.why}" if sample.why else ""
    if sample.quiet:
        return Part("quiet", f"Not flagged{why}", sample.before, sample.language)
    if sample.after is None:
        return Part("reported", f"Found, and left to you{why}", sample.before, sample.language)
    before, after = sample.before.splitlines(), sample.after.splitlines()
    lines = list(unified_diff(before, after, lineterm="", n=len(before) + len(after)))
    repaired = "Repaired, by your choice (--unsafe-fixes)" if sample.unsafe else "Repaired"
    return Part("repaired", f"{repaired}{why}", "\n".join(lines[3:]) + "\n", "diff")


def parts(info: RuleInfo) -> list[Part]:
    """The examples in the rule's order: repaired ones as a diff that shows all of the code."""
    return [_part(sample) for sample in info.samples]


def terminal(info: RuleInfo, options: Options) -> str:
    """The page as plain text."""
    return "".join(f"{line}\n" for line in _lines(info, Ink(options.colour)))


def _lines(info: RuleInfo, ink: Ink) -> Iterator[str]:
    yield ink("bold", visible(info.title))
    state = "" if info.default else ", off unless configured"
    yield f"{ink('cyan', visible(info.id))}  {info.severity}{state}"
    if text := body(info):
        yield ""
        yield from _STRONG.sub(lambda match: ink("bold", match[1]), visible(text, keep="\n")).splitlines()
    if info.practice:
        yield ""
        yield f"Practice: {visible(info.practice)}"
    colours: dict[str, Literal["green", "red"]] = {"+": "green", "-": "red"}
    for part in parts(info):
        yield ""
        yield ink("bold", visible(part.heading))
        for line in visible(part.text, keep="\n\t").splitlines():
            style = colours.get(line[:1]) if part.kind == "repaired" else None
            yield "    " + (ink(style, line) if style else line)
