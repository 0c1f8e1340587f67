"""A handle that was let go is kept: in the member that keeps such handles, or in a new one beside a sibling."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs import _receivers, _types
from repairbot.languages.rust.repairs._pair import paired
from repairbot.languages.rust.repairs._source import Source, method, named, receiver, squeezed, walk
from repairbot.languages.rust.repairs._upgrade import unit
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import KEEP_HANDLE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (KEEP_HANDLE,)
Edits = tuple[Edit, ...]

_GIVEN_SELF = re.compile(r"(?:update|subscribe|observe|on|listener)(?:_\w+)?")
"""Methods that hand a closure its object, to be changed, as the first argument."""
_EMPTY = re.compile(r"(?:\w+::)*(?:<.*>::)?(?:new|default)\(\)")


def write(source: Source, intent: Intent) -> Edits | Refusal:
    """The edits that keep the handle."""
    call, made = source.node(intent.at), source.node(intent.spans[1])
    row = source.row(call)
    if row is None or not (row == call or row.type == "expression_statement"):
        return Refusal("it is no statement of its own")
    if method(call) != "detach":
        return Refusal(f"what {method(call)}() does would be lost")
    holder = _holder(source, call)
    if isinstance(holder, Refusal):
        return holder
    kind = intent.args["kind"]
    if kind == "map":
        return _in_map(source, intent, call, made, row, holder)
    name, changing = holder
    keeper = f"{name}.{intent.args['keeper']}"
    if kind == "flag":
        return _for_flag(source, intent, call, made, name, changing)
    if kind == "pair":
        pairs = paired(source, intent, call, made)
        return pairs if isinstance(pairs, Refusal) else (*changing, *pairs)
    if kind == "list":
        return (*changing, *_wrapped(call, made, f"{keeper}.push(", ")"))
    if kind == "option":
        return (*changing, *_wrapped(call, made, f"{keeper} = Some(", ")"))
    return Refusal(f"{intent.args['keeper']} keeps its handles in a way of its own")


def _wrapped(call: Node, made: Node, before: str, behind: str) -> Edits:
    """`X.detach()` becomes what stands around X now."""
    return (Edit(made.start_byte, made.start_byte, before), Edit(made.end_byte, call.end_byte, behind))


def _holder(source: Source, call: Node) -> tuple[str, Edits] | Refusal:
    """What the object is called at the place of a call, and the edits by which it can be changed there."""
    around = source.closures(call)
    if not around:
        found = _receivers.changes_self(source, call)
        return found if isinstance(found, Refusal) else ("self", found)
    closure = around[0]
    parameters = closure.child_by_field_name("parameters")
    given = closure.parent.parent if closure.parent is not None else None
    first = named(parameters)[0] if parameters is not None and named(parameters) else None
    if first is None or text(first) != "this" or not _GIVEN_SELF.fullmatch(method(given)):
        return Refusal("it stands in a closure, where its object is not at hand")
    return "this", ()


# A map by key, new, beside a sibling


def _in_map(
    source: Source, intent: Intent, call: Node, made: Node, row: Node, holder: tuple[str, Edits]
) -> Edits | Refusal:
    name, changing = holder
    args = intent.args
    owner = _types.struct(source, args["container"])
    sibling = _types.members(owner).get(args["beside"]) if owner is not None else None
    if owner is None or sibling is None:
        return Refusal(f"{args['container']} has no member {args['beside']} in this file")
    typed = _task(source, made)
    if isinstance(typed, Refusal):
        return typed
    empty = _empty(source, args["container"], args["beside"])
    if isinstance(empty, Refusal):
        return empty
    wrapper, _, _ = _types.type_of(sibling).partition("<")
    keyed = re.match(r"(?:.*?)<(.*)$", args["type"], re.DOTALL)
    key_type = keyed[1].rpartition(", Task<")[0] if keyed else ""
    if not key_type:
        return Refusal(f"the type of the keys of {args['beside']} is not known")
    member = _types.add_member(
        source, args["container"], args["keeper"], f"{wrapper}<{key_type}, {typed}>", empty, args["beside"]
    )
    if isinstance(member, Refusal):
        return member
    ended = [_ended(source, intent, source.node(span)) for span in intent.spans[2:]]
    wrong = next((each for each in ended if isinstance(each, Refusal)), None)
    if wrong is not None:
        return wrong
    kept = _inserted(source, call, made, row, f"{name}.{args['keeper']}", args["key"])
    return (*changing, *member, *kept, *(each for each in ended if isinstance(each, Edit)))


def _inserted(source: Source, call: Node, made: Node, row: Node, keeper: str, key: str) -> Edits:
    """The handle gets a name, and is put under a key that is copied before the task takes it."""
    task = source.fresh(call, "task", "handle")
    lines: list[str] = []
    if source.mentions(key, made):
        copied = source.fresh(call, f"task_{key}", f"{key}_of_task")
        lines, key = [f"let {copied} = {key}.clone();"], copied
    at = row.start_byte
    ahead = "".join(f"{line}{source.newline}{source.indentation(at)}" for line in lines)
    behind = f";{source.newline}{source.indentation(at)}{keeper}.insert({key}, {task})"
    return (
        Edit(at, at, f"{ahead}let {task} = "),
        Edit(made.end_byte, call.end_byte, f"{behind};" if row == call else behind),
    )


def _ended(source: Source, intent: Intent, statement: Node) -> Edit | Refusal:
    """The entry of the task goes where the sibling's goes."""
    args = intent.args
    for node in walk(statement):
        on = receiver(node) if node.type == "call_expression" else None
        if on is None or on.type != "field_expression" or method(node) not in ("remove", "remove_entry"):
            continue
        if text(on.child_by_field_name("field")) == args["beside"]:
            shown = re.sub(r"\s+", "", text(on))[: -len(args["beside"])]
            row = source.row(statement) or statement
            return source.before(row, [f"{shown}{args['keeper']}.remove({args['removed']});"])
    return Refusal(f"the removal from {args['beside']} is not where it was seen")


def _empty(source: Source, container: str, member: str) -> str | Refusal:
    """How a member is made empty, as the places that make the object write it."""
    found: set[str] = set()
    for expression in _types.constructors(source, container):
        body = expression.child_by_field_name("body")
        for each in named(body) if body is not None else ():
            if each.type == "field_initializer" and text(each.child_by_field_name("field")) == member:
                found.add(squeezed(text(each.child_by_field_name("value"))))
    if len(found) == 1 and _EMPTY.fullmatch(shown := found.pop()):
        return shown
    return Refusal(f"it is not seen how an empty {member} is made")


def _task(source: Source, made: Node) -> str | Refusal:
    """The type of the handle: a task without a result."""
    if re.search(rb"\b(?:use|,|\{)\s[^;]*\bTask\b[^;]*;", source.data) is None:
        return Refusal("the type of the task is not imported here")
    body = next((node for node in walk(made) if node.type in ("async_block", "closure_expression")), None)
    if body is not None and body.type == "closure_expression":
        inner = body.child_by_field_name("body")
        body = inner if inner is not None else body
    block = (
        body
        if body is None or body.type == "block"
        else next((node for node in walk(body) if node.type == "block"), None)
    )
    if block is None or not unit(source, block):
        return Refusal("it is not certain that the task has no result")
    return "Task<()>"


# A flag that says that the task runs


def _for_flag(
    source: Source, intent: Intent, call: Node, made: Node, name: str, changing: Edits
) -> Edits | Refusal:
    """The flag becomes the task: set where it starts, emptied where it ends, asked with is_some()."""
    flag = intent.args["keeper"]
    owner = _types.struct(source, intent.args["container"])
    member = _types.members(owner).get(flag) if owner is not None else None
    if owner is None or member is None or any(each.type == "visibility_modifier" for each in member.children):
        return Refusal(f"{flag} is no private member of a struct of this file")
    typed = _task(source, made)
    if isinstance(typed, Refusal):
        return typed
    kind = member.child_by_field_name("type")
    assert kind is not None
    begun, ended = (source.row(source.node(span)) for span in intent.spans[2:4])
    if begun is None or ended is None:
        return Refusal(f"{flag} is not set in statements of their own")
    edits = [*changing, Edit(kind.start_byte, kind.end_byte, f"Option<{typed}>"), source.without(begun)]
    for node in _types.places(source, intent.args["container"], flag):
        parent = node.parent
        if parent is not None and parent.type == "assignment_expression" and parent.children[0] == node:
            value = parent.child_by_field_name("right")
            if begun.start_byte <= node.start_byte < begun.end_byte:
                continue
            if value is None or text(value) != "false":
                return Refusal(f"{flag} is set elsewhere, too")
            edits.append(Edit(value.start_byte, value.end_byte, "None"))
        else:
            edits.append(Edit(node.end_byte, node.end_byte, ".is_some()"))
    for node in (
        each for made_ in _types.constructors(source, intent.args["container"]) for each in walk(made_)
    ):
        if node.type == "field_initializer" and text(node.child_by_field_name("field")) == flag:
            value = node.child_by_field_name("value")
            if value is None or text(value) != "false":
                return Refusal(f"{flag} does not start as false")
            edits.append(Edit(value.start_byte, value.end_byte, "None"))
    return (*edits, *_wrapped(call, made, f"{name}.{flag} = Some(", ")"))
