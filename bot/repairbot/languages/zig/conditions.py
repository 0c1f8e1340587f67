"""Lowers the tests that the branches of one Zig function ask, and what ends it in an error."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.zig.calls import Calls
from repairbot.languages.zig.tree import N
from repairbot.languages.zig.values import TRY
from repairbot.languages.zig.words import word_ends
from repairbot.lifetimes.ops import Kind, Op

_MAKES_ROOM: Final = re.compile(
    rb"\.(?:ensure\w*|init\w*|clear\w*|pop\w*|resize|shrink\w*|\w*[rR]emove\w*|expand\w*|replace\w*|items\.len\s*[-+]?=(?!=))\b"
)


class Conditions(Calls):
    """The part of a function's lowering that handles tests."""

    def condition(self, node: N | None, yes: int, no: int) -> bool:
        """Lower a test that goes on in one of two blocks. True when its outcome is known to the analyses."""
        if node is None or self.flow.current is None:
            self.flow.current = None
            return True
        kind = node.kind
        if kind == "unary" and node.text == "!":
            return self.condition(node.parts[0], no, yes)
        if kind == "binary" and node.text in ("and", "or"):
            middle = self.flow.block()
            left, right = node.parts
            known = (
                self.condition(left, middle, no) if node.text == "and" else self.condition(left, yes, middle)
            )
            self.resume(middle)
            return self.condition(right, yes, no) and known
        if kind == "boolean":
            self.flow.go(yes if node.text == "true" else no)
            return True
        place, turned = self._asked(node)
        if place:
            if turned:
                yes, no = no, yes
            self.flow.edge("normal", yes, place=place, empty=False)
            self.flow.edge("normal", no, place=place, empty=True)
            self.flow.current = None
            return place in self.tracked or place in self.flags
        self.evaluate(node, "", TRY if kind == "try" else None)
        self.flow.edge("normal", yes)
        self.flow.edge("normal", no)
        self.flow.current = None
        return False

    flags: set[str]
    """Locals that are only ever set to true or false."""

    def _asked(self, node: N) -> tuple[str, bool]:
        """The place whose emptiness a test asks, and whether the test holds when it is empty."""
        if node.kind == "name":
            return self.place_of(node), False
        if node.kind != "binary" or node.text not in ("==", "!=", ">"):
            return "", False
        left, right = node.parts
        if left is None or right is None:
            return "", False
        if left.kind == "null":
            left, right = right, left
        place = self.place_of(left)
        if right.kind == "null" and place:
            return place, node.text == "=="
        if left.kind == "field" and left.text == "len" and right.kind == "literal":
            counted = left.first
            if counted.kind == "field" and counted.text == "items" and self._only_grows(counted.first):
                counted = counted.first  # as long as a list is empty it has no memory
            place = self.place_of(counted)
            if place in self.tracked and re.fullmatch(r"0", self.module.text(right)):
                return place, node.text == "=="
        if (
            left.kind == "name"
            and place in self.tracked
            and node.text in ("==", "!=")
            and right.kind in ("name", "field")
        ):
            # `if (x.ptr != other)`: owned only if it is another one; not understood.
            return "", False
        return "", False

    def _only_grows(self, node: N) -> bool:
        """Whether a local list takes memory for its elements alone, and keeps all of them."""
        if self.place_of(node) not in self.lists:
            return False
        body, name = self.definition.text, self.module.text(node).encode()
        return not any(_MAKES_ROOM.match(body, end) for end in word_ends(body, name))

    def raising(self, node: N, note: str) -> None:
        """The function ends in an error here."""
        if self.flow.current is None:
            return
        cleanup = self.flow.cleaning > 0
        op = Op(
            Kind.CALL, "", self.at, "raise", expression=self.module.at(node), fallible=True, cleanup=cleanup
        )
        self.flow.raising(op, note)
