"""A call and its surroundings: its arguments, what becomes of its value, where the names in it come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tree_sitter import Node

from repairbot.languages.python.syntax import Definition, Module, dotted, text
from repairbot.lazily import dataclass
from repairbot.model import Step

Standing = Literal["parameter", "injected", "global", "class", "owned", "made", "self", "unknown"]

_LOOPS = ("for_statement", "while_statement")
_DEFINITIONS = ("function_definition", "class_definition", "lambda")


def call_of(name: Node) -> Node | None:
    """The call whose callee ends in this identifier, None when it is no callee."""
    callee = name
    parent = name.parent
    if parent is not None and parent.type == "attribute" and parent.child_by_field_name("attribute") == name:
        callee = parent
        parent = parent.parent
    if parent is not None and parent.type == "call" and parent.child_by_field_name("function") == callee:
        return parent
    return None


def positional(call: Node) -> list[Node]:
    """The arguments of a call that carry no name (starred ones included)."""
    arguments = call.child_by_field_name("arguments")
    if arguments is None or arguments.type != "argument_list":
        return []
    return [node for node in arguments.named_children if node.type not in ("keyword_argument", "comment")]


def keywords(call: Node) -> dict[str, Node]:
    """The named arguments of a call."""
    arguments = call.child_by_field_name("arguments")
    found: dict[str, Node] = {}
    for node in arguments.named_children if arguments is not None else ():
        if node.type == "keyword_argument":
            value = node.child_by_field_name("value")
            if value is not None:
                found[text(node.child_by_field_name("name"))] = value
    return found


def receiver(call: Node) -> str:
    """The dotted text in front of the method's name, "" for a plain function."""
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "attribute":
        return ""
    return dotted(callee.child_by_field_name("object"))


def ancestors(node: Node, within: Node | None = None) -> Iterator[Node]:
    """The nodes around a node, innermost first, up to but without `within`."""
    current = node.parent
    while current is not None and (within is None or current.id != within.id):
        yield current
        current = current.parent


def loop_around(node: Node) -> Node | None:
    """The innermost loop around a node within its own function."""
    for parent in ancestors(node):
        if parent.type in _LOOPS:
            return parent
        if parent.type in _DEFINITIONS:
            return None
    return None


def flat(node: Node | None) -> str:
    """A node's text on one line."""
    return re.sub(r"\s+", " ", text(node))


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a call's value.

    `kind`: dropped (a statement of its own), named (bound to `place`), returned, passed (an argument or an
    element of something), chained (a method is called on it), other.
    """

    kind: Literal["dropped", "named", "returned", "passed", "chained", "awaited", "other"]
    place: str = ""
    method: str = ""
    """For chained: the method that is called on it."""


def fate(call: Node) -> Fate:
    """What becomes of a call's value."""
    current, parent = call, call.parent
    while parent is not None:
        kind = parent.type
        if kind == "expression_statement":
            return Fate("dropped")
        if kind == "await":
            return Fate("awaited")
        if kind == "parenthesized_expression":
            current, parent = parent, parent.parent
            continue
        if kind in ("assignment", "named_expression"):
            left = parent.child_by_field_name("left") or parent.child_by_field_name("name")
            if left is None or left.id == current.id:
                return Fate("other")
            if left.type == "subscript":
                return Fate("named", f"{dotted(left.child_by_field_name('value'))}[]")
            return Fate("named", dotted(left))
        if kind in ("return_statement", "yield"):
            return Fate("returned")
        if kind == "attribute":
            outer = parent.parent
            if outer is not None and outer.type == "call":
                return Fate("chained", method=text(parent.child_by_field_name("attribute")))
            return Fate("other")
        if kind in ("argument_list", "keyword_argument", "list", "tuple", "set", "dictionary", "pair"):
            return Fate("passed")
        return Fate("other")
    return Fate("other")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the first name of a dotted text comes from, and the line that shows it."""

    standing: Standing
    step: Step | None = None

    @property
    def outlives(self) -> bool:
        """Whether what it names lives on when the object or the call at hand is done."""
        return self.standing in ("parameter", "injected", "global", "class")


def single_assignment(module: Module, function: Definition, name: str) -> Node | None:
    """The right side of the one plain assignment to a local name in a function, None when there are several."""
    pattern = rb"(?<![\w.])" + name.encode() + rb"(?=\s*(?::[^=\n]*)?=[^=])"
    found: list[Node] = []
    for node in module.mentions(pattern, function.start, function.end):
        parent = node.parent
        if parent is not None and parent.type == "assignment" and parent.child_by_field_name("left") == node:
            found.append(parent)
    return found[0].child_by_field_name("right") if len(found) == 1 else None


def resolve(module: Module, function: Definition | None, name: str) -> str:
    """A dotted text with local aliases replaced by what they stand for: `e = app.event; e.on` is `app.event.on`."""
    for _ in range(4):
        head, dot, rest = name.partition(".")
        if function is None or not head.isidentifier() or head == "self" or head in function.parameters:
            break
        right = single_assignment(module, function, head)
        full = dotted(right) if right is not None else ""
        if not full or full.partition(".")[0] == head or "(" in full:
            break
        name = f"{full}{dot}{rest}"
    return name


def member_values(module: Module, owner: Definition, member: str) -> list[Node]:
    """The right sides of all assignments to `self.member` in a class."""
    found: list[Node] = []
    pattern = rb"self\s*\.\s*" + re.escape(member.encode()) + rb"\b(?=\s*(?::[^=\n]*)?=[^=])"
    for node in module.mentions(pattern, owner.start, owner.end):
        left = node.parent
        assignment = left.parent if left is not None else None
        if left is not None and assignment is not None and assignment.type == "assignment":
            right = assignment.child_by_field_name("right")
            if assignment.child_by_field_name("left") == left and right is not None:
                found.append(right)
    return found


def origin(module: Module, function: Definition | None, name: str) -> Origin:
    """Where a (resolved) dotted text comes from, seen from a function of this file."""
    head, _, rest = name.partition(".")
    base = head.partition("(")[0].partition("[")[0]
    if head in ("self", "cls"):
        first = rest.partition(".")[0].partition("(")[0].partition("[")[0]
        return (
            _member_origin(module, function, first, bool(rest.partition(".")[2])) if first else Origin("self")
        )
    current = function
    while current is not None:
        if current.kind == "function" and base in current.parameters:
            return Origin("parameter", Step(current.node.start_point[0] + 1, f"{base} is passed in"))
        if current.kind == "function" and _assigned(module, current, base):
            return Origin("made" if current is function else "unknown")
        current = current.parent
    if base in module.imports:
        return Origin("global", None)
    if any(definition.parent is None and definition.name == base for definition in module.classes):
        return Origin("class")
    if re.search(rb"(?m)^" + base.encode() + rb"\b\s*(?::[^=\n]*)?=[^=]", module.source):
        return Origin("global", None)
    return Origin("unknown")


def _assigned(module: Module, function: Definition, name: str) -> bool:
    pattern = rb"(?<![\w.])" + re.escape(name.encode()) + rb"\b\s*(?::[^=\n]*)?=[^=]"
    if re.compile(pattern).search(module.source, function.start, function.end):
        return True
    targets = rb"\b(?:for|as)\s+[\w\s,()*]*\b" + re.escape(name.encode()) + rb"\b"
    return re.compile(targets).search(module.source, function.start, function.end) is not None


def _member_origin(module: Module, function: Definition | None, member: str, deeper: bool) -> Origin:
    owner = module.class_at(function.start) if function is not None else None
    if owner is None:
        return Origin("unknown")
    values = member_values(module, owner, member)
    for value in values:
        maker = module.function_at(value.start_byte)
        named = dotted(value)
        head = named.partition(".")[0]
        line = value.start_point[0] + 1
        if value.type == "boolean_operator":
            heads = {dotted(child).partition(".")[0] for child in value.named_children}
            if maker is not None and heads & set(maker.parameters):
                return Origin("injected", Step(line, f"self.{member} is passed in"))
        if (
            maker is not None
            and head in maker.parameters
            and head not in ("self", "cls")
            and "(" not in named
        ):
            return Origin("injected", Step(line, f"self.{member} is passed in"))
        if value.type == "call" and named.partition("(")[0].rpartition(".")[2][:1].isupper():
            return Origin("owned", Step(line, f"self.{member} is made here"))
        if value.type in (
            "list",
            "dictionary",
            "set",
            "tuple",
            "list_comprehension",
            "dictionary_comprehension",
        ):
            return Origin("owned", Step(line, f"self.{member} is made here"))
    return Origin("unknown")


def methods_called(module: Module, function: Definition) -> set[str]:
    """The names of the methods of `self` that a function calls or names."""
    found = re.compile(rb"\bself\s*\.\s*(\w+)").findall(module.source, function.start, function.end)
    return {name.decode() for name in found}


def reached_from(module: Module, owner: Definition, starts: tuple[str, ...]) -> set[str]:
    """The methods of a class that its methods `starts` reach through `self`, themselves included."""
    methods = {child.name: child for child in owner.children if child.kind == "function"}
    todo = [name for name in starts if name in methods]
    reached: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(methods_called(module, methods[name]) & methods.keys() - reached)
    return reached
