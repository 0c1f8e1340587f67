"""What an expression stands for, and the notes that are taken of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from tree_sitter import Node

from repairbot.languages.python.shapes import branched, looped, occurrences
from repairbot.languages.python.syntax import Definition, Module, span, statement_of, text
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Event, Kind, Resource


class Place(NamedTuple):
    """What an expression stands for: the member (depth 0) or something inside it.

    `key`: the text of the first key on the way down. `alias`: it goes by another name than the member's.
    """

    node: Node
    depth: int = 0
    key: str = ""
    alias: bool = False


class Getter(NamedTuple):
    """A method that returns the member, or an element of it."""

    name: str
    depth: int
    key: str


@dataclass(slots=True)
class Notes:
    """The events of one member. `owner`: its class, None for a name of the module."""

    module: Module
    owner: Definition | None
    resource: Resource | None = None
    events: list[Event] = field(default_factory=list)

    def note(
        self,
        kind: Kind,
        place: Place,
        node: Node,
        *,
        how: str = "",
        key: str = "",
        argument: str = "",
        detail: str = "",
        at: Node | None = None,
    ) -> None:
        """Take down what happens to a place, in the statement around `node`."""
        if kind is Kind.READ and place.depth and detail in ("other", "key") and how != "[]":
            return  # what is done with an element says nothing of the collection
        statement = statement_of(node)
        target = text(place.node)
        self.events.append(
            Event(
                kind=kind,
                method="",
                at=span(at if at is not None else node),
                how=how,
                key=place.key or key,
                argument=argument,
                detail=detail,
                alias=place.alias,
                resource=self.resource if kind in (Kind.RELEASE,) else None,
                statement=span(statement),
                conditional=branched(statement),
                repeats=looped(statement),
                target=target,
                depth=place.depth,
            )
        )

    def uses(self, name: Node, scope: Node | None = None) -> Iterator[Node]:
        """The later mentions of a local name in its function."""
        function = self.module.function_at(name.start_byte)
        if function is None:
            return
        word = name.text or b""
        start, end = (
            (scope.start_byte, scope.end_byte) if scope is not None else (name.end_byte, function.end)
        )
        for offset in occurrences(self.module.source, word, max(start, name.end_byte), end):
            node = function.node.descendant_for_byte_range(offset, offset + len(word))
            if node is None or node.type != "identifier":
                continue
            parent = node.parent
            if parent is None or (
                parent.type == "attribute" and parent.child_by_field_name("attribute") == node
            ):
                continue
            if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
                continue
            yield node


def up(place: Place) -> Place:
    """The place that holds this element."""
    node = place.node
    if place.depth and node.type == "subscript":
        value = node.child_by_field_name("value")
        if value is not None:
            return place._replace(node=value, depth=place.depth - 1)
    return place
