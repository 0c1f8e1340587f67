"""What one mention of a collection does to it: the parents of the name say so.

A mention is climbed until something is done with it. `self.jobs[key].append(job)` climbs from `self.jobs` over
the subscript (now an element, by `key`) to the call, which grows the element. What is given another name is
followed under that name within the function.
"""

from __future__ import annotations

from dataclasses import field
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.places import Getter, Notes, Place, up
from repairbot.languages.python.shapes import (
    empty,
    fixed,
    last_of,
    reaches_loop,
    tested,
)
from repairbot.languages.python.syntax import dotted, text
from repairbot.languages.python.vocabulary import (
    CONSUMERS,
    GROWS,
    HEAP_GROWS,
    HEAP_SHRINKS,
    READS,
    SAVERS,
    SHRINKS,
)
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Kind

_DEEPEST: Final = 3
"""How many names in a row an alias is followed through."""


@dataclass(slots=True)
class Reader(Notes):
    """Turns mentions of one member into events."""

    getters: dict[str, Getter] = field(default_factory=dict)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def read(self, place: Place, following: int = 0) -> None:
        """Climb from one mention and note what happens to it."""
        mark = (place.node.start_byte, place.node.end_byte)
        if mark in self._seen:
            return
        self._seen.add(mark)
        current: Place | None = place
        while current is not None:
            current = self._step(current, following)

    # One step up: the place that the parent stands for, or None when the end is reached.

    def _step(self, place: Place, following: int) -> Place | None:
        node = place.node
        parent = node.parent
        if parent is None:
            return None
        kind = parent.type
        if kind == "attribute":
            return self._attribute(place, parent, following)
        if kind == "subscript" and parent.child_by_field_name("value") == node:
            return self._subscript(place, parent)
        if kind == "conditional_expression" and parent.named_children[1] == node:
            self.note(Kind.READ, place, parent, detail="truth")
            return None
        if kind in ("parenthesized_expression", "await", "named_expression", "conditional_expression"):
            if kind == "named_expression":
                self._alias(place, parent.child_by_field_name("name"), following)
            return place._replace(node=parent)
        if kind == "boolean_operator":
            if tested(parent):
                self.note(Kind.READ, place, parent, detail="truth")
                return None
            return place._replace(node=parent)
        if kind == "assignment":
            return self._assignment(place, parent, following)
        if kind == "augmented_assignment":
            self._augmented(place, parent)
        elif kind == "expression_list" or kind == "pattern_list" or kind == "tuple_pattern":
            self._listed(place, parent, following)
        elif kind == "delete_statement":
            self.note(Kind.SHRINK if place.depth else Kind.CLEAR, up(place), parent, how="del")
        elif kind == "argument_list":
            return self._argument(place, parent, parent.parent)
        elif kind == "keyword_argument":
            self._passed(place, parent)
        elif kind in ("default_parameter", "typed_default_parameter"):
            self._alias(place, parent.child_by_field_name("name"), following)
        elif kind == "for_statement":
            if parent.child_by_field_name("right") == node:
                self._iterated(place, parent, parent.child_by_field_name("left"), following)
        elif kind == "for_in_clause":
            self.note(Kind.READ, place, parent, detail="iterate")
        elif kind == "comparison_operator":
            self._compared(place, parent)
        elif kind in ("if_statement", "elif_clause", "while_statement", "not_operator", "assert_statement"):
            self.note(Kind.READ, place, parent, detail="truth")
        elif kind == "return_statement":
            self._returned(place, parent)
        elif kind in ("with_item", "as_pattern"):
            self._scoped(place, parent, following)
        elif kind in ("binary_operator", "interpolation"):
            self.note(Kind.READ, place, parent, detail="all", how="shown" if kind == "interpolation" else "+")
        elif kind in ("dictionary_splat", "list_splat"):
            self.note(Kind.READ, place, parent, detail="all")
        elif kind in ("yield", "list", "tuple", "dictionary", "set", "pair", "lambda"):
            self.note(Kind.READ, place, parent, detail="escape", how=kind)
        elif kind == "unary_operator" or kind == "slice":
            self.note(Kind.READ, place, parent, detail="key")
        elif kind != "expression_statement":
            self.note(Kind.READ, place, parent, detail="escape" if place.depth == 0 else "all", how=kind)
        return None

    def _attribute(self, place: Place, parent: Node, following: int) -> Place | None:
        name = text(parent.child_by_field_name("attribute"))
        outer = parent.parent
        if outer is None or outer.type != "call" or outer.child_by_field_name("function") != parent:
            return self._bound_method(place, parent, name, following)
        arguments = outer.child_by_field_name("arguments")
        first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        return self._method(place, outer, name, first, arguments)

    def _method(
        self, place: Place, call: Node, name: str, first: Node | None, arguments: Node | None
    ) -> Place | None:
        """A call `<place>.name(first, ...)`."""
        if self._release(place, call, f".{name}"):
            return None
        if name == "get" and first is not None and first.type != "keyword_argument":
            key = text(first)
            self.note(Kind.READ, place, call, detail="key", how="get", key=key)
            return Place(call, place.depth + 1, place.key or key, place.alias)
        if name == "setdefault" and first is not None:
            value = arguments.named_children[1] if arguments and arguments.named_child_count > 1 else None
            self.note(Kind.GROW, place, call, how=name, key=place.key or text(first), argument=text(value))
            return Place(call, place.depth + 1, place.key or text(first), place.alias)
        if name == "__setitem__" and arguments is not None and arguments.named_child_count > 1:
            value = arguments.named_children[1]
            self.note(
                Kind.GROW, place, call, how="setitem", key=place.key or text(first), argument=text(value)
            )
        elif name in GROWS:
            value = (
                arguments.named_children[1]
                if name == "insert" and arguments and arguments.named_child_count > 1
                else first
            )
            if name in ("extend", "update") and fixed(value):
                self.note(Kind.READ, place, call, detail="key", how=name)
            else:
                self.note(Kind.GROW, place, call, how=name, argument=text(value))
        elif name in SHRINKS or (name == "get" and first is None):
            if first is None and name in ("remove", "discard"):
                return None  # an element's own method: a collection's takes what is to go
            self.note(Kind.SHRINK, place, call, how=name, key=place.key or text(first), argument=text(first))
        elif name == "clear":
            self.note(Kind.SHRINK if place.depth else Kind.CLEAR, place, call, how=name)
        elif name in READS:
            detail = READS[name]
            if detail == "iterate" and reaches_loop(call):
                return Place(call, place.depth, place.key, place.alias)
            self.note(Kind.READ, place, call, detail=detail, how=name)
        else:
            self.note(Kind.READ, place, call, detail="other", how=name)
        return None

    def _bound_method(self, place: Place, node: Node, name: str, following: int) -> Place | None:
        """`<place>.name` that is not called here: an attribute of it, or a method handed on."""
        kind = Kind.GROW if name in GROWS else Kind.SHRINK if name in SHRINKS else None
        outer = node.parent
        if kind is None or outer is None:
            if name == "maxlen":
                self.note(Kind.BOUND, place, node, how="maxlen", argument=text(node))
            elif name == "clear":
                self.note(Kind.CLEAR, place, node, how=name)
            elif name == "queue" and place.depth == 0:
                return place._replace(node=node)
            else:
                self.note(Kind.READ, place, node, detail="other", how=name)
            return None
        target = None
        if outer.type == "assignment" and outer.child_by_field_name("right") == node:
            target = outer.child_by_field_name("left")
        elif outer.type in ("default_parameter", "typed_default_parameter"):
            target = outer.child_by_field_name("name")
        if target is None or target.type != "identifier" or following >= _DEEPEST:
            self.note(kind, place, node, how=name)
            return None
        for mention in self.uses(target):
            call = mention.parent
            if call is not None and call.type == "call" and call.child_by_field_name("function") == mention:
                arguments = call.child_by_field_name("arguments")
                first = arguments.named_children[0] if arguments and arguments.named_children else None
                self._method(place._replace(node=mention, alias=True), call, name, first, arguments)
            elif call is not None and call.type == "argument_list":
                self.note(kind, place._replace(node=mention, alias=True), mention, how=name)
        return None

    def _subscript(self, place: Place, parent: Node) -> Place | None:
        index = parent.child_by_field_name("subscript")
        outer = parent.parent
        if index is not None and index.type == "slice":
            if outer is not None and outer.type == "delete_statement":
                self.note(Kind.SHRINK, place, outer, how="slice", argument=text(index))
                self.note(Kind.BOUND, place, outer, how="slice", argument=text(index))
            elif (
                outer is not None
                and outer.type == "assignment"
                and outer.child_by_field_name("left") == parent
            ):
                self.note(Kind.SHRINK if place.depth else Kind.CLEAR, place, outer, how="slice")
            else:
                last = last_of(index)
                self.note(
                    Kind.READ, place, parent, detail="last" if last else "slice", argument=last or text(index)
                )
            return None
        key = text(index)
        if outer is not None and outer.type == "delete_statement":
            self.note(Kind.SHRINK, place, outer, how="del", key=place.key or key, argument=key)
            return None
        if outer is not None and outer.type == "assignment" and outer.child_by_field_name("left") == parent:
            right = outer.child_by_field_name("right")
            how = "setitem"
            if empty(right) and place.depth == 0:
                how = "set empty"
            self.note(
                Kind.GROW,
                place,
                outer,
                how=how,
                key=place.key or key,
                argument=text(right),
                detail=key,
                at=parent,
            )
            self._assigned_name(place, key, right)
            return None
        if (
            outer is not None
            and outer.type == "augmented_assignment"
            and outer.child_by_field_name("left") == parent
        ):
            self._augmented(Place(parent, place.depth + 1, place.key or key, place.alias), outer)
            return None
        self.note(Kind.READ, place, parent, detail="key", how="[]", key=key, argument=key)
        return Place(parent, place.depth + 1, place.key or key, place.alias)

    def _assigned_name(self, place: Place, key: str, right: Node | None) -> None:
        """`self.x[k] = name = []`: the name is an element from here on."""
        while right is not None and right.type == "assignment":
            self._alias(
                Place(right, place.depth + 1, place.key or key, True), right.child_by_field_name("left"), 1
            )
            right = right.child_by_field_name("right")

    def _assignment(self, place: Place, parent: Node, following: int) -> Place | None:
        left, right = parent.child_by_field_name("left"), parent.child_by_field_name("right")
        if left == place.node:
            self._set(place, parent, right)
            return None
        if left is None or right != place.node:
            self.note(Kind.READ, place, parent, detail="all")  # a name in an annotation
            return None
        if left.type == "identifier":
            self._alias(place, left, following)
        elif left.type in ("attribute", "subscript"):
            self.note(Kind.READ, place, parent, detail="escape", how="stored")
        return None

    def _set(self, place: Place, statement: Node, right: Node | None) -> None:
        """The member itself gets a value."""
        while right is not None and right.type == "assignment":
            right = right.child_by_field_name("right")
        if right is None:
            return
        if place.alias:
            return
        made = text(right)
        name = text(place.node)
        if right.type == "none":
            self.note(Kind.CLEAR, place, statement, how="none")
        elif name in made and right.type in (
            "subscript",
            "call",
            "list_comprehension",
            "dictionary_comprehension",
            "set_comprehension",
            "generator_expression",
        ):
            index = right.child_by_field_name("subscript") if right.type == "subscript" else None
            self.note(Kind.SHRINK, place, statement, how="replace", argument=text(index) or made)
            if index is not None:
                self.note(Kind.BOUND, place, statement, how="slice", argument=text(index))
        elif (
            name in made
            and right.type == "binary_operator"
            and text(right.child_by_field_name("operator")) in "+|"
        ):
            self.note(Kind.GROW, place, statement, how="=+", argument=made)
        else:
            self.note(Kind.INIT, place, statement, how="=", argument=made, detail="?")

    def _augmented(self, place: Place, parent: Node) -> None:
        operator = text(parent.child_by_field_name("operator"))
        right = parent.child_by_field_name("right")
        if parent.child_by_field_name("left") != place.node:
            self.note(Kind.READ, place, parent, detail="all")
        elif (
            place.depth
            and right is not None
            and (right.type in ("integer", "float") or operator not in ("+=", "|="))
        ):
            kind = (
                Kind.SHRINK
                if operator in ("-=", "&=") and right.type not in ("integer", "float")
                else Kind.GROW
            )
            self.note(kind, up(place), parent, how="count" if kind is Kind.GROW else operator)
        elif place.alias and right is not None and _immutable(right):
            self.note(Kind.READ, place, parent, detail="other")  # a new value; the element stays as it is
        elif operator in ("+=", "|="):
            self.note(Kind.GROW, place, parent, how=operator, argument=text(right))
        elif operator in ("-=", "&="):
            self.note(Kind.SHRINK, place, parent, how=operator, argument=text(right))

    def _listed(self, place: Place, parent: Node, following: int) -> None:
        """One of several in `a, b = ...` or `del a, b`."""
        outer = parent.parent
        if outer is None:
            return
        if outer.type == "delete_statement":
            self.note(Kind.SHRINK if place.depth else Kind.CLEAR, up(place), outer, how="del")
            return
        if outer.type != "assignment":
            self.note(Kind.READ, place, outer, detail="escape", how=outer.type)
            return
        left, right = outer.child_by_field_name("left"), outer.child_by_field_name("right")
        position = next((i for i, child in enumerate(parent.named_children) if child == place.node), 0)
        other = right if parent == left else left
        same = (
            other is not None
            and other.type in ("expression_list", "pattern_list", "tuple", "tuple_pattern")
            and other.named_child_count == parent.named_child_count
        )
        partner = other.named_children[position] if same and other is not None else None
        if parent == left:
            if partner is not None:
                self._set(place, outer, partner)
            elif not place.depth:
                self.note(Kind.INIT, place, outer, how="unpack", argument=text(right), detail="?")
        elif partner is not None and partner.type == "identifier":
            self._alias(place, partner, following)
        else:
            self.note(Kind.READ, place, outer, detail="escape", how="stored")

    def _argument(self, place: Place, parent: Node, call: Node | None) -> Place | None:
        if call is None:
            return None
        callee = dotted(call.child_by_field_name("function"))
        last = callee.rpartition(".")[2]
        if self._release(place, call, self.module.qualified(callee)):
            return None
        if callee == "len":
            self._length(place, call)
        elif last in HEAP_GROWS and parent.named_children[0] == place.node:
            value = parent.named_children[1] if parent.named_child_count > 1 else None
            self.note(Kind.GROW, place, call, how=last, argument=text(value))
        elif last in HEAP_SHRINKS and parent.named_children[0] == place.node:
            self.note(Kind.SHRINK, place, call, how=last)
        elif self.module.qualified(callee).endswith(SAVERS):
            self.note(Kind.READ, place, call, detail="saved", how=callee)
        elif callee in ("list", "tuple", "sorted", "reversed", "iter", "enumerate") and reaches_loop(call):
            return place._replace(node=call)
        elif callee in ("getattr", "hasattr", "super"):
            self.note(Kind.READ, place, call, detail="other", how=callee)
        elif callee in CONSUMERS:
            self.note(Kind.READ, place, call, detail="all", how=callee)
        else:
            self._passed(place, call, callee)
        return None

    def _passed(self, place: Place, node: Node, callee: str = "") -> None:
        self.note(Kind.READ, place, node, detail="escape", how=f"passed to {callee}" if callee else "passed")

    def _length(self, place: Place, call: Node) -> None:
        outer = call.parent
        while outer is not None and outer.type in ("parenthesized_expression", "binary_operator"):
            outer = outer.parent
        if outer is not None and outer.type == "comparison_operator":
            others = [
                child
                for child in outer.named_children
                if not child.start_byte <= call.start_byte < child.end_byte
            ]
            limit = text(others[0]) if others else ""
            if limit not in ("0", "1"):
                self.note(Kind.BOUND, place, outer, how="len", argument=limit)
                return
        self.note(Kind.READ, place, call, detail="len")

    def _compared(self, place: Place, parent: Node) -> None:
        operators = {child.type for child in parent.children_by_field_name("operators")}
        if operators <= {"in", "not in"}:
            left = parent.named_children[0]
            self.note(
                Kind.READ, place, parent, detail="key", how="in", key=text(left) if left != place.node else ""
            )
        elif operators <= {"is", "is not"}:
            self.note(Kind.READ, place, parent, detail="key", how="is")
        else:
            self.note(Kind.READ, place, parent, detail="all", how="==")

    def _iterated(self, place: Place, loop: Node, target: Node | None, following: int) -> None:
        how = text(place.node)
        self.note(Kind.READ, place, loop, detail="iterate")
        element = target
        if ".items" in how or how.startswith("enumerate"):
            element = (
                target.named_children[-1] if target is not None and target.named_child_count > 1 else None
            )
        elif ".keys" in how:
            element = None
        if element is not None and element.type == "identifier":
            key = ""
            if ".items" in how and target is not None:
                key = text(target.named_children[0])
            self._alias(Place(place.node, place.depth + 1, place.key or key, True), element, following, loop)

    def _returned(self, place: Place, statement: Node) -> None:
        definition = self.module.function_at(statement.start_byte)
        if definition is not None and definition.owner is not None and definition.owner is self.owner:
            self.getters.setdefault(definition.name, Getter(definition.name, place.depth, place.key))
        self.note(Kind.READ, place, statement, detail="escape", how="returned")

    def _scoped(self, place: Place, parent: Node, following: int) -> None:
        if self.resource is not None and self.resource.scope == "releases":
            self.note(Kind.RELEASE, place, parent, how="with")
        else:
            self.note(Kind.READ, place, parent, detail="other", how="with")
        if parent.type == "as_pattern":
            target = parent.child_by_field_name("alias")
            name = target.named_children[0] if target is not None and target.named_children else None
            self._alias(place, name, following)

    def _release(self, place: Place, call: Node, how: str) -> bool:
        """Note a release when the resource is released so (".close", "os.close")."""
        if self.resource is None or how not in self.resource.release:
            return False
        self.note(Kind.RELEASE, place, call, how=how)
        return True

    # Names

    def _alias(self, place: Place, name: Node | None, following: int, scope: Node | None = None) -> None:
        """Follow the place under another name, within the function (or the loop) in which it has it."""
        if name is None or name.type != "identifier" or following >= _DEEPEST:
            return
        if self.module.function_at(name.start_byte) is None:
            return
        for mention in self.uses(name, scope):
            self.read(Place(mention, place.depth, place.key, True), following + 1)


def _immutable(node: Node) -> bool:
    """Whether an expression is a text, bytes or a number by its looks: `b"%b" % name`, `"a" + b`."""
    while node.type in ("binary_operator", "parenthesized_expression"):
        left = node.child_by_field_name("left") if node.type == "binary_operator" else node.named_children[0]
        if left is None:
            return False
        node = left
    return node.type in ("string", "concatenated_string", "integer", "float")
