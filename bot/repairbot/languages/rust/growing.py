"""Members that grow and are never emptied: caches without a cap, entries under ever new keys, histories with a cursor.

Ownership says nothing here. What is looked for is evidence that the keys never come to an end, in a member that this
file alone can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.rust.body import Body, bare, chain, method, receiver
from repairbot.languages.rust.syntax import Member, Module, Struct
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import BOUND_CACHE, TRIM_AFTER
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Confidence, Step

_MAP: Final = re.compile(r"\b(?:HashMap|BTreeMap|IndexMap|FxHashMap|DashMap|AHashMap|FnvHashMap)\s*<")
_REMOVES: Final = (
    r"\.(?:remove\w*|clear|drain|retain|pop\w*|take|split_off|truncate|swap_remove|extract_if|shrink_to|evict\w*"
    r"|invalidate\w*|expire\w*|prune\w*|trim\w*)\("
)
_SHORT_LIVED: Final = re.compile(
    r"(?:Registry|Builder|Parser|Compiler|Visitor|Writer|Reader|Formatter|Encoder|Decoder|Iter|Collector|Context|Scope|Frame|Args"
    r"|Options|Config|Settings|Report|Result|Response|Request|Event|Message|Snapshot|Test\w*|Fake\w*|Mock\w*)$"
)


def growing(body: Body) -> None:
    """Report what one function makes grow for ever."""
    source = body.definition.source
    if b"unbounded()" in source:
        _unbounded_lru(body)
    if b".truncate(" in source:
        _history(body)
    if b".insert(" in source:
        _counted(body)


# A cache without a cap


def _unbounded_lru(body: Body) -> None:
    """`LruCache::unbounded()` as a member: the least recently used is never what goes."""
    for call in body.calls:
        if not re.fullmatch(r"(?:\w+::)*LruCache(?:::<.*>)?::unbounded\(\)", body.flat(call)):
            continue
        member = next((each for each in body.around(call) if each.kind == "member"), None)
        if member is None or _capped(body.module, member.text):
            continue
        intent = Intent(
            BOUND_CACHE,
            body.module.at(call),
            f"self.{member.text}",
            "give it a capacity",
            {"bound": "", "name": member.text},
            safety="unsafe",
            choice="what was not used for longest goes when it is full",
        )
        body.report(
            "unbounded-cache",
            call,
            f"self.{member.text}",
            f"{member.text} is a cache without a capacity: nothing ever has to go",
            (Step(body.line(call), "made without a capacity"),),
            intents=(intent,),
        )


def _capped(module: Module, name: str) -> bool:
    """Whether the file compares the length of a member, or resizes it."""
    shown = rb"\b" + re.escape(name).encode() + rb"\s*\.(?:len\(\)\s*(?:>|==|<|>=|<=)|resize\(|set_cap)"
    return re.search(shown, module.plain) is not None


# A history with a cursor


def _history(body: Body) -> None:
    """`list.truncate(self.at); list.push(x); self.at = list.len();`: cut at its own end, it never gets shorter."""
    owner = body.owner
    for call in body.calls:
        place = receiver(call)
        if owner is None or method(call) != "truncate" or place is None or len(call.parts) != 2:
            continue
        shown, cursor = body.flat(place), body.flat(call.parts[1])
        if not re.fullmatch(r"self\.\w+", shown) or not re.fullmatch(r"self\.\w+", cursor):
            continue
        flat = body.flat(body.root)
        pushed = next(
            (
                each
                for each in body.calls
                if method(each) in ("push", "push_back")
                and body.flat(receiver(each)) == shown
                and each.start > call.end
            ),
            None,
        )
        if pushed is None or f"{cursor}={shown}.len()" not in flat:
            continue
        if re.search(
            rf"{re.escape(shown)}\.len\(\)(?:>|>=|<|<=|==)|{re.escape(shown)}\.(?:remove|pop_front|drain)\(",
            flat,
        ):
            continue
        intent = Intent(
            TRIM_AFTER,
            body.module.at(pushed),
            shown,
            f"keep the last of {shown}",
            {"target": shown, "bound": "", "kind": "list", "cursor": cursor},
            (body.module.at(body.statement(pushed)),),
            safety="unsafe",
            choice="the oldest entries go",
        )
        body.report(
            "unbounded-collection",
            pushed,
            shown,
            f"{shown} grows by one at each call of {body.definition.name}(): it is cut at its own end only",
            (
                Step(body.line(call), f"cut at {cursor}"),
                Step(body.line(pushed), "one more"),
                Step(body.line(pushed), f"and {cursor} is its length again"),
            ),
            intents=(intent,),
        )


# Ever new keys


def _counted(body: Body) -> None:
    """`let id = self.next_id; self.next_id += 1; self.entries.insert(id, ..)`, and no entry is ever removed."""
    for call in body.calls:
        if method(call) != "insert" or len(call.parts) != 3:
            continue
        place = receiver(call)
        if place is None or place.kind != "field" or place.first.kind != "name":
            continue
        found = _member(body.module, place.text)
        if found is None:
            continue
        struct, member = found
        if _SHORT_LIVED.search(struct.name) or _removed(body.module, member):
            continue
        count = _counter(body, call)
        if count is None or not _awaited(member):
            continue
        shown = body.text(place)
        intent = Intent(
            TRIM_AFTER,
            body.module.at(call),
            shown,
            f"keep the newest of {member.name}",
            {"target": shown, "bound": "", "kind": "map", "map": member.type},
            (body.module.at(body.statement(call)),),
            safety="unsafe",
            choice="the oldest entries go",
            why="the keys are counted up, so the first is the oldest",
        )
        body.report(
            "unbounded-collection",
            call,
            shown,
            f"{member.name} gets a new entry at each call of {body.definition.name}() and loses none",
            (Step(body.line(count), "a new key each time"), Step(body.line(call), "one more entry")),
            evidence=(Step(member.at.line, "nothing in this file removes an entry"),),
            intents=(intent,),
        )


def _member(module: Module, name: str) -> tuple[Struct, Member] | None:
    """The one map member of this name in the file, where others do not see it."""
    found = [
        (struct, struct.members[name])
        for struct in module.structs.values()
        if struct.kind == "struct" and name in struct.members
    ]
    if len(found) != 1 or not _MAP.search(found[0][1].type):
        return None
    ahead = module.source[found[0][1].at.start : found[0][1].at.start + 4]
    return None if ahead == b"pub " else found[0]


def _removed(module: Module, member: Member) -> bool:
    """Whether anything in the file may take entries out of a member, or hands the member out."""
    name = re.escape(member.name)
    lock = r"(?:\s*\.(?:lock|write|borrow_mut|get_mut|as_mut|unwrap|expect|read|borrow)\([^()]*\))*"
    taken = rf"\b{name}\b{lock}\s*{_REMOVES}|(?:take|replace|swap)\(\s*&mut\s+[\w.]*\b{name}\b"
    taken += rf"|\.{name}\s*=[^=]|&mut\s+(?:\w+\.)+{name}\b"
    taken += rf"|\b{name}\b{lock}\s*\.(?:len\(\)\s*[<>=]|iter_mut|values_mut)"
    taken += rf"|=\s*(?:&mut\s+)?(?:\w+\.)+{name}\s*(?:\.(?:lock|write|borrow_mut)\([^()]*\)\s*(?:\.unwrap\(\))?\s*)?;"
    return re.search(taken.encode(), module.plain) is not None


_AWAITED: Final = re.compile(
    r"(?:^|_)(?:states?|requests?|pending|responses?|messages?|calls?|completions?|waiters?|sessions?|connections?|jobs?"
    r"|transactions?|handlers?|callbacks?|inflight|in_flight|outstanding|promises?|replies|tasks?|entries)(?:_|$)"
)


def _awaited(member: Member) -> bool:
    """Whether a member's name says that its entries come and go."""
    return _AWAITED.search(member.name) is not None


def _counter(body: Body, call: N) -> N | None:
    """Where the key of an insertion is counted up."""
    key = bare(call.parts[1])
    if key is None or key.kind != "name":
        return None
    value = body.value_of(key.text, call.start)
    if value is None:
        return None
    if any(each.kind == "call" and method(each) in ("fetch_add", "new_v4") for each in value.walk()):
        return value
    root = body.flat(bare(value)).removesuffix(".0")
    for node in body.nodes:
        if node.kind == "assign" and node.text == "+=" and body.flat(node.first).removesuffix(".0") == root:
            return node
    return None


# Caches that are maps


_CACHE: Final = re.compile(r"(?:^|_)cached?(?:_|$)|(?:^|_)cache$|memo")


def caches(module: Module) -> Iterator[Idiom]:
    """Maps that call themselves caches, are filled by methods and never emptied, in a type that is one for long."""
    for struct in module.structs.values():
        if struct.kind != "struct" or _SHORT_LIVED.search(struct.name):
            continue
        for member in struct.members.values():
            if not _CACHE.search(member.name) or not _MAP.search(member.type):
                continue
            if module.source[member.at.start : member.at.start + 4] == b"pub " or _finite(member):
                continue
            if _member(module, member.name) is None or _removed(module, member):
                continue
            grows = _grows(module, struct, member)
            if grows is None:
                continue
            confidence: Confidence = "medium"
            yield Idiom(
                "unbounded-cache",
                struct.name,
                f"self.{member.name}",
                member.at,
                f"{member.name} only ever grows: no entry is removed, and nothing caps it",
                (
                    Step(member.at.line, "a map that serves as a cache"),
                    Step(module.line(grows.start), "filled here"),
                ),
                (),
                confidence,
                refusal="which bound fits, and which type of cache, is for the project to choose",
            )


def _finite(member: Member) -> bool:
    """Whether the keys cannot be many: kinds, types, small numbers."""
    key = member.type.partition("<")[2].partition(",")[0].strip()
    return (
        re.search(
            r"\b(?:TypeId|bool|u8|char|\w*(?:Kind|Type|Id|Mode|Style|Level|Language|Color|Key|Name))$", key
        )
        is not None
    )


def _grows(module: Module, struct: Struct, member: Member) -> N | None:
    """Where a method of the type fills a member."""
    shown = rf"\b{re.escape(member.name)}\b".encode()
    for definition in module.functions:
        if definition.owner != struct.name or not re.search(shown, definition.source):
            continue
        if "self" not in definition.receiver or re.match(
            r"load|init|register|build|with_|set_", definition.name
        ):
            continue
        root = definition.body
        for node in root.walk() if root is not None else ():
            if (
                node.kind == "call"
                and method(node) in ("insert", "entry")
                and any(each.kind == "field" and each.text == member.name for each in chain(receiver(node)))
            ):
                return node
    return None
