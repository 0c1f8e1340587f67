"""Tasks whose handle is let go although something in the code says when they should end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.rust.body import Body, bare, chain, inner, method, receiver
from repairbot.languages.rust.syntax import Definition, Member, Struct
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import KEEP_HANDLE, LEAVE_AT_END
from repairbot.lifetimes.ops import Intent
from repairbot.model import Step

RULE: Final = "dangling-task"
_SPAWNS: Final = re.compile(r"spawn(?:_in|_local|_weak|_blocking|_labeled)?")
_KEYED: Final = re.compile(r"^(?:\w+::)*(?:HashMap|BTreeMap|IndexMap|TreeMap|FxHashMap|DashMap)\s*<")


def tasks(body: Body) -> None:
    """Report the tasks of one function that nothing can end."""
    _detached(body)
    _aborted_on_error(body)
    _past_the_end(body)


# Let go beside what says when it ends


def _detached(body: Body) -> None:
    for call in body.calls:
        if not re.fullmatch(r"detach(?:_and_log_err\w*)?", method(call)):
            continue
        made = receiver(call)
        if made is None or not _SPAWNS.fullmatch(method(made)):
            continue
        closure = next((part for part in made.parts[1:] if part is not None and part.kind == "closure"), None)
        if closure is None or not closure.names or body.owner is None:
            continue
        if (entry := _entry(body, closure)) is not None:
            _keyed(body, call, made, *entry)
        elif (flag := _flag(body, call, closure)) is not None:
            _flagged(body, call, made, *flag)


def _entry(body: Body, closure: N) -> tuple[N, str, str, Definition, N] | None:
    """A task that fills an entry of a map whose entries a method removes: (insert, map, key, who, removal)."""
    owner = body.owner
    assert owner is not None
    this = closure.names[0]
    for node in closure.walk():
        if node.kind != "call" or method(node) != "insert" or len(node.parts) != 3:
            continue
        place = receiver(node)
        if place is None or place.kind != "field" or place.first.text != this:
            continue
        member = owner.members.get(place.text)
        key = body.flat(bare(node.parts[1])).removesuffix(".clone()")
        if member is None or not _KEYED.match(member.type) or not body.definition.type_of(key):
            continue
        for other, removal in removals(body, place.text):
            if other is not body.definition and _goes(other, removal):
                return node, place.text, key, other, removal
    return None


def _goes(other: Definition, removal: N) -> bool:
    """Whether a removal is by key."""
    return other.name != "drop" and method(removal) in ("remove", "remove_entry") and len(removal.parts) == 2


def removals(body: Body, name: str) -> Iterator[tuple[Definition, N]]:
    """Where the methods of this type remove an entry of a member."""
    for other in body.module.functions:
        if other.owner != body.definition.owner or b".remove" not in other.source:
            continue
        root = other.body
        for node in root.walk() if root is not None else ():
            if node.kind == "call" and method(node) in ("remove", "remove_entry"):
                place = receiver(node)
                if place is not None and place.kind == "field" and place.text == name:
                    yield other, node


def _keyed(
    body: Body, call: N, made: N, insert: N, name: str, key: str, other: Definition, removal: N
) -> None:
    owner = body.owner
    assert owner is not None
    sibling = owner.members[name]
    typed = _key_type(sibling)
    removed = body.text(removal.parts[1])
    args = {
        "container": owner.name,
        "what": "task",
        "keeper": _new_name(owner, name),
        "kind": "map",
        "key": key,
        "beside": name,
        "type": f"HashMap<{typed}, Task<()>>",
        "removed": removed,
        "method": other.name,
    }
    statement = _outer_statement(other, removal)
    intent = Intent(
        KEEP_HANDLE,
        body.module.at(call),
        f"self.{args['keeper']}",
        f"keep the task under {key} and drop it where {name} loses the entry",
        args,
        (body.module.at(body.statement(call)), body.module.at(made), body.module.at(statement)),
        why=f"{name} has the same key, and its entry is removed in line {body.module.line(removal.start)}",
    )
    body.report(
        RULE,
        made,
        name,
        f"this task goes on when {name} loses its entry: nothing can end it",
        (
            Step(body.line(made), f"a task for {key} starts here"),
            Step(body.line(insert), f"it fills {name}"),
            Step(body.module.line(removal.start), f"{other.name}() removes the entry; the task goes on"),
            Step(body.module.line(call.end - 1), "its handle is let go"),
        ),
        evidence=(Step(sibling.at.line, "one entry a key, as there is one task a key"),),
        intents=(intent,),
    )


def _new_name(owner: Struct, sibling: str) -> str:
    """A free name for a member that keeps tasks under the keys of another: `tool_ids` gives `tool_tasks`."""
    stem = re.sub(r"(?:^|_)(?:ids?|handles?|map|by_id)$", "", sibling.lstrip("_"))
    wanted = (f"{stem}_tasks".lstrip("_"), f"{sibling.lstrip('_')}_tasks", f"_{sibling}_tasks")
    return next(name for name in wanted if name not in owner.members or name == wanted[-1])


def _key_type(member: Member) -> str:
    inside = inner(member.type, r"\w*Map")
    depth = 0
    for position, sign in enumerate(inside):
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            return inside[:position].strip()
    return inside


def _outer_statement(other: Definition, node: N) -> N:
    """The statement of the innermost block that a node stands in."""
    root = other.body
    assert root is not None
    best = root
    for each in root.walk():
        if each.kind == "block":
            for part in each.all():
                if (
                    part.start <= node.start
                    and node.end <= part.end
                    and part.end - part.start < best.end - best.start
                ):
                    best = part
    return best


def _flag(body: Body, call: N, closure: N) -> tuple[str, N, N] | None:
    """A member that is true while the task runs: set before it starts, and reset by the task alone."""
    owner = body.owner
    assert owner is not None
    this = closure.names[0]
    for node in closure.walk():
        if node.kind != "assign" or node.text != "=" or body.flat(node.parts[1]) != "false":
            continue
        place = node.first
        if place.kind != "field" or place.first.text != this:
            continue
        member = owner.members.get(place.text)
        if member is None or member.type != "bool":
            continue
        for other in body.nodes:
            if (
                other.kind == "assign"
                and body.flat(other) == f"self.{place.text}=true"
                and other.end <= call.start
                and _guards(body, place.text)
            ):
                return place.text, other, node
    return None


def _guards(body: Body, name: str) -> bool:
    """Whether the function leaves at once while the flag stands."""
    for node in body.nodes:
        if node.kind == "if" and body.flat(node.parts[0]) == f"self.{name}":
            then = node.parts[1]
            return then is not None and any(each.kind == "return" for each in then.walk())
    return False


def _flagged(body: Body, call: N, made: N, name: str, begun: N, ended: N) -> None:
    owner = body.owner
    assert owner is not None
    member = owner.members[name]
    args = {
        "container": owner.name,
        "what": "task",
        "keeper": name,
        "kind": "flag",
        "type": "Option<Task<()>>",
        "empty": "None",
    }
    intent = Intent(
        KEEP_HANDLE,
        body.module.at(call),
        f"self.{name}",
        f"keep the task in place of {name}",
        args,
        (
            body.module.at(body.statement(call)),
            body.module.at(made),
            body.module.at(begun),
            body.module.at(ended),
        ),
        safety="unsafe",
        choice="the task ends with its object",
        why=f"{name} is true exactly while the task runs",
    )
    body.report(
        RULE,
        made,
        name,
        f"nobody holds this task: {name} only says that it runs",
        (
            Step(body.line(begun), f"{name} is set"),
            Step(body.line(made), "the task starts"),
            Step(body.module.line(call.end - 1), "its handle is let go: it outlives its object"),
            Step(body.line(ended), f"only the task itself resets {name}"),
        ),
        evidence=(Step(member.at.line, "stands for the task, and cannot end it"),),
        confidence="medium",
        intents=(intent,),
    )


# Ended on an error, and not when the caller goes away


def _aborted_on_error(body: Body) -> None:
    """`let h = spawn(..); if let Err(e) = step.await { h.abort(); }`: nothing aborts where the caller is dropped."""
    if not body.definition.asynchronous or b".abort()" not in body.definition.source:
        return
    for let in body.nodes:
        if let.kind != "let" or len(let.names) != 1 or not _SPAWNS.fullmatch(method(let.parts[0])):
            continue
        name = let.names[0]
        abort = next(
            (
                call
                for call in body.calls
                if method(call) == "abort" and body.flat(receiver(call)) == name and call.start > let.end
            ),
            None,
        )
        if abort is None or not _in_error_branch(body, abort):
            continue
        wait = next(
            (
                node
                for node in body.nodes
                if node.kind == "await"
                and let.end < node.start < abort.start
                and list(chain(node))[-1].text != name
            ),
            None,
        )
        if wait is None:
            continue
        body.report(
            RULE,
            let,
            name,
            f"{name} goes on when the caller is cancelled: it is aborted on an error only",
            (
                Step(body.line(let), "the task starts here"),
                Step(body.module.line(wait.end - 1), "a caller that gives up here drops its handle"),
                Step(body.line(abort), "aborted only when the step fails"),
            ),
            confidence="medium",
        )


def _in_error_branch(body: Body, node: N) -> bool:
    for parent in body.around(node):
        if parent.kind == "arm" and re.match(r"Err\b", parent.text):
            return True
        if parent.kind == "if":
            test = parent.parts[0]
            if test is not None and test.kind == "test" and re.match(r"Err\b", test.text):
                return True
        if parent.kind in ("closure", "async"):
            return False
    return False


# Reading on behind the end


def _past_the_end(body: Body) -> None:
    """A loop that reads lines and never looks how many bytes it got: at the end of the file it spins for ever."""
    source = body.definition.source
    if b"read_until" not in source and b"read_line" not in source:
        return
    for loop in body.nodes:
        if loop.kind != "loop":
            continue
        reads = [
            node
            for node in loop.walk()
            if node.kind == "statement" and method(bare(node.first)) in ("read_until", "read_line")
        ]
        if len(reads) != 1 or _other_way_out(body, loop, reads[0]):
            continue
        read = reads[0]
        intent = Intent(
            LEAVE_AT_END,
            body.module.at(read),
            method(bare(read.first)),
            "leave the loop at the end of the file",
            {},
            (body.module.at(loop),),
            why="a read of 0 bytes is the end of the file",
        )
        body.report(
            RULE,
            read,
            method(bare(read.first)),
            "this loop never ends: at the end of the file it reads nothing, again and again",
            (
                Step(body.line(loop), "nothing leaves the loop"),
                Step(body.line(read), "0 bytes at the end of the file, and nobody looks"),
            ),
            intents=(intent,),
        )


def _other_way_out(body: Body, loop: N, read: N) -> bool:
    for node in loop.walk():
        if read.start <= node.start and node.end <= read.end:
            continue
        if node.kind in ("try", "return", "break") or (
            node.kind == "call" and method(node) in ("is_empty", "len", "exit")
        ):
            return True
    return False
