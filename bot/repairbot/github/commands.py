"""Commands in comments: what a person asks of us, read from a comment's text. Pure.

A command is a line that begins with `/repairbot`. What stands in a code block, a quotation or an HTML comment is
not asked for: it is shown. So none of our own texts is ever a command, and a quoted one is not one again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Verb = Literal["fix", "fix all", "explain", "dismiss", "rerun", "help"]
VERBS: Final[tuple[Verb, ...]] = get_args(Verb)

MOST: Final = 5
"""Commands that are read from one comment: nobody means more, and each may start a run."""

_PREFIX: Final = "/repairbot"
_FENCE: Final = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_RAW: Final = re.compile(r"<(pre|script|style|textarea)(?=[\s>]|$)", re.IGNORECASE)
_LONGEST_WORD: Final = 64
_MOST_WORDS: Final = 40
_ID: Final = re.compile(r"[0-9a-f]{8,64}\Z")

HELP: Final[dict[Verb, str]] = {
    "fix": "commit the safe repairs to this branch; in a thread, the repair of that thread",
    "fix all": "commit all repairs, also those that choose for you",
    "explain": "show the page of a rule: `/repairbot explain RULE`",
    "dismiss": "as a reply in a thread: this is no leak, or it may stay; it is not said again",
    "rerun": "look again",
    "help": "this list",
}
"""What each command does, for people (Markdown)."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something that was asked for and understood. `rule`: of `explain`. `named`: of `dismiss`, the ids of findings
    (at least their first eight digits)."""

    verb: Verb
    rule: str = ""
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that begins like a command and is none. `why`: a sentence (Markdown without anything that was read)."""

    why: str


Asked = Command | Unclear


def parse(body: str) -> tuple[Asked, ...]:
    """What a comment asks for, in its order, each thing once; at most MOST of them.

    `body`: the comment's Markdown, as GitHub delivers it (CR LF line ends allowed).
    """
    asked: list[Asked] = []
    for line in _plain_lines(body):
        words = line.split()
        if words and words[0] == _PREFIX and line.startswith(_PREFIX):
            each = _understood([word[:_LONGEST_WORD] for word in words[1:_MOST_WORDS]])
            if each not in asked:
                asked.append(each)
    return tuple(asked[:MOST])


def alone(body: str) -> bool:
    """Whether a comment is a command and nothing more: no word in it is for people."""
    lines = [line for line in body.splitlines() if line.strip()]
    return len(lines) == 1 and any(isinstance(each, Command) for each in parse(body))


def _understood(words: list[str]) -> Asked:
    verb = words[0].lower() if words else "help"
    rest = words[1:]
    if verb == "fix" and [word.lower() for word in rest] == ["all"]:
        return Command("fix all")
    if verb == "explain":
        if len(rest) == 1:
            return Command("explain", rest[0].strip("`").lower())
        return Unclear("Name one rule: `/repairbot explain RULE`.")
    if verb == "dismiss":
        # What follows may be a reason too ("dismiss at most one a shift").
        return Command("dismiss", named=tuple(word for word in rest if _ID.match(word)))
    for known in VERBS:
        if verb == known:
            return Unclear("`fix` stands alone or with `all`.") if rest and verb == "fix" else Command(known)
    return Unclear("There is no such command.")


def _plain_lines(body: str) -> list[str]:
    """The lines outside code blocks, raw HTML blocks and comments. Source: CommonMark 0.31, sections 4.5, 4.6."""
    lines: list[str] = []
    fence = end = ""
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if fence:
            closing = line.strip(" \t")
            indent = len(line) - len(line.lstrip(" "))
            if indent < 4 and len(closing) >= len(fence) and set(closing) == {fence[0]}:
                fence = ""
            continue
        if not end:
            if opening := _FENCE.match(line):
                fence = opening.group(1)
                continue
            start, end = _hidden(line)
            if not end:
                lines.append(line)
                continue
            line = line[start:]
        if end in line.lower():
            end = ""
    return lines


def _hidden(line: str) -> tuple[int, str]:
    """Where in this line something begins that is not shown as text, and what ends it; (0, "") for nothing."""
    comment = line.find("<!--")
    raw = _RAW.search(line)
    if comment >= 0 and (raw is None or comment < raw.start()):
        return comment, "-->"
    return (raw.start(), f"</{raw.group(1).lower()}>") if raw else (0, "")
