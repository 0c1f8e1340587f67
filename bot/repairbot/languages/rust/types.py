"""What a type owns that `Drop` does not end by itself: child processes, raw pointers, handles of C libraries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from repairbot.languages.rust.body import chain, method, receiver
from repairbot.languages.rust.syntax import Member, Module, Struct
from repairbot.lifetimes.intents import ADD_DROP
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.lifetimes.resources import tables
from repairbot.model import Confidence, Span, Step

_POINTER: Final = re.compile(r"\bAtomicPtr\s*<|\*mut\s|\*const\s|\bNonNull\s*<")
_TAKES: Final = re.compile(rb"\b(?:Box|Arc|Rc|CString)::into_raw\(|\bBox::leak\(|\balloc\(Layout")
_GIVES: Final = re.compile(rb"\b(?:Box|Arc|Rc|CString)::from_raw\(|\bdealloc\(|drop_in_place")


@cache
def kept() -> tuple[dict[str, str], ...]:
    """The types of members that need an end of their own (rust.toml, `[[member]]`)."""
    return tuple(tables("rust").get("member", ()))


def types(module: Module) -> Iterator[Idiom]:
    """The types of a file that own something and have no `Drop`."""
    for struct in module.structs.values():
        if struct.kind != "struct" or struct.drops is not None or "Drop" in struct.traits:
            continue
        yield from _processes(module, struct)
        yield from _pointers(module, struct)


def _processes(module: Module, struct: Struct) -> Iterator[Idiom]:
    for member in struct.members.values():
        for row in kept():
            if not re.search(row["type"], member.type) or not _meant(module, row):
                continue
            if _public(module, member) or _ended(module, member, row) or not _made(module, row):
                continue
            place = f"self.{member.name}"
            intents = _drop(module, struct, member, row["end"], row["what"])
            yield _idiom(
                struct.at,
                "incomplete-teardown",
                struct.name,
                member,
                f"{place} is not ended when {struct.name} is dropped: {row['why']}",
                (Step(member.at.line, f"{row['what']}"), Step(struct.at.line, f"{struct.name} has no Drop")),
                intents=intents,
            )
            break


def _public(module: Module, member: Member) -> bool:
    """Whether others see the member, and may end it."""
    return module.source[member.at.start : member.at.start + 4] == b"pub "


def _ended(module: Module, member: Member, row: dict[str, str]) -> bool:
    """Whether the file ends the member somewhere, or has others do so."""
    name = re.escape(member.name)
    call = re.compile(rf"\b{name}\b[^;{{}}]{{0,120}}?(?:{row['ended']})".encode(), re.DOTALL)
    whole = row.get("anywhere", "")
    return call.search(module.plain) is not None or bool(whole and re.search(whole.encode(), module.plain))


def _made(module: Module, row: dict[str, str]) -> bool:
    """Whether this file is the one that makes such values, where the row can tell."""
    return "made" not in row or re.search(row["made"].encode(), module.source) is not None


def _meant(module: Module, row: dict[str, str]) -> bool:
    """Whether the type's name is that of the library meant."""
    wanted = row.get("imported", "")
    return not wanted or re.search(wanted.encode(), module.source) is not None


def _drop(module: Module, struct: Struct, member: Member, end: str, what: str) -> tuple[Intent, ...]:
    if not end or "&" in member.type:
        return ()
    cell = re.match(r"(?:\w+::)*(RefCell|Mutex|Option|Arc|Rc)\b", member.type)
    args = {
        "container": struct.name,
        "member": member.name,
        "end": end,
        "cell": cell[1] if cell else "",
        "what": what,
    }
    return (
        Intent(
            ADD_DROP,
            struct.at,
            f"self.{member.name}",
            f"end it in a Drop of {struct.name}",
            args,
            (member.at,),
            safety="unsafe",
            choice=f"it ends with its {struct.name}",
        ),
    )


def _pointers(module: Module, struct: Struct) -> Iterator[Idiom]:
    """A member that owns memory through a raw pointer: made by `into_raw`, taken back in methods, not at the end."""
    pointers = [member for member in struct.members.values() if _POINTER.search(member.type)]
    if (
        not pointers
        or "Copy" in _derived(module, struct)
        or "'a" in module.source[struct.at.start : pointers[0].at.start].decode()
    ):
        return
    methods = [each for each in module.functions if each.owner == struct.name]
    taking = [each for each in methods if _TAKES.search(each.source)]
    giving = [each for each in methods if _GIVES.search(each.source)]
    if not taking or not giving:
        return
    names = {member.name for member in pointers}
    if not any(_touches(each.body, names) for each in taking):
        return
    yield _idiom(
        struct.at,
        "incomplete-teardown",
        struct.name,
        pointers[0],
        f"what self.{pointers[0].name} points to is not freed when {struct.name} is dropped",
        (
            Step(pointers[0].at.line, "owns memory through a raw pointer"),
            Step(module.line(taking[0].node.start_byte), f"{taking[0].name}() gives it away with into_raw"),
            Step(
                module.line(giving[0].node.start_byte),
                f"{giving[0].name}() takes it back; there is no Drop that does",
            ),
        ),
        confidence="medium",
    )


def _touches(body: object, names: set[str]) -> bool:
    """Whether a method works on one of these members of its object."""
    from repairbot.languages.rust.tree import N

    if not isinstance(body, N):
        return False
    for node in body.walk():
        if node.kind == "field" and node.text in names and node.first.text == "self":
            return True
        if node.kind == "call" and (place := receiver(node)) is not None:
            last = list(chain(place))[-1]
            if last.text == "self" and re.search(r"swap|store|push|set|compare|exchange", method(node)):
                return True
    return False


def _derived(module: Module, struct: Struct) -> str:
    ahead = module.source[max(0, struct.at.start - 300) : struct.at.start].decode("utf-8", "replace")
    return ahead.rpartition("}")[2]


def _idiom(
    at: Span,
    rule: str,
    symbol: str,
    member: Member,
    message: str,
    steps: tuple[Step, ...],
    *,
    confidence: Confidence = "high",
    intents: tuple[Intent, ...] = (),
) -> Idiom:
    # The member's line, so that a reader sees what it is about; the type's head is a step.
    place = (
        member.at
        if rule == "incomplete-teardown" and intents
        else Span(at.start, at.start, at.line, at.line, at.column)
    )
    return Idiom(rule, symbol, f"self.{member.name}", place, message, steps, (), confidence, intents)
