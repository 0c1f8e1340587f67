"""What one mention of a member does to it: the nodes around it say so.

A mention is climbed until something is done with it. `this.jobs.get(key).push(job)` climbs from `this.jobs` over the
call of `get` (now an element, by `key`) to the call of `push`, which grows the element. What is given another name
is followed under that name within the function.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from repairbot.languages.typescript.acquiring import Acquiring
from repairbot.languages.typescript.syntax import arguments, bare, statement_of, strip
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.languages.typescript.vocabulary import CLEARS, CLOSERS, ITERATES, LISTS, LOOKS, SHRINKS
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Event, Kind, Resource

_DEEPEST: Final = 3
_EMPTY: Final = regex(r"^(?:\[\]|\{\}|new (?:Map|Set|Array)(?:<.*>)?\(\)|Object\.create\(null\))$", re.S)
_TESTS: Final = frozenset(
    {
        "if_statement",
        "while_statement",
        "do_statement",
        "unary_expression",
        "ternary_expression",
        "binary_expression",
    }
)
_ENDS: Final = "dispose|destroy|close|unsubscribe|terminate|disconnect|stop|end|cancel|abort|kill|remove"
_ANEW: Final = regex(
    r"\w\+\+|\+\+\w|\b(?:uuid\w*|nanoid|randomUUID|ulid|cuid|uniqueId|generateId|Symbol)\(|\bDate\.now\("
)
_COMPARES: Final = (">", "<", "===", "!==", "==", "!=", ">=", "<=", "instanceof", "in")


class Place(NamedTuple):
    """A node that stands for the member (depth 0) or for something inside it, by a key."""

    node: N
    depth: int = 0
    key: str = ""
    alias: bool = False


@dataclass(slots=True)
class Reader:
    """Turns the mentions of one member into events. `locate`: the method around a node, and whether it runs again;
    `resource_of`: what a call makes that has to be ended."""

    acquiring: Acquiring
    resource: Resource | None
    locate: Callable[[N], tuple[str, bool]]
    resource_of: Callable[[N], Resource | None]
    events: list[Event]
    name: str = ""
    """The member as every method of the object may write it; "" for a name of the module."""

    def text(self, node: N | None) -> str:
        """The text of a node."""
        return self.acquiring.module.text(node)

    def note(
        self,
        kind: Kind,
        place: Place,
        at: N,
        *,
        how: str = "",
        key: str = "",
        argument: str = "",
        detail: str = "",
        resource: Resource | None = None,
        target: str = "",
    ) -> None:
        """One event."""
        module = self.acquiring.module
        method, repeats = self.locate(place.node)
        self.events.append(
            Event(
                kind,
                method,
                module.span(at),
                how,
                place.key or key,
                argument,
                detail,
                repeats,
                _conditional(place.node),
                place.alias,
                resource,
                module.span(statement_of(at)),
                target or (self.name if kind is Kind.INIT else "") or self.text(place.node),
                place.depth,
            )
        )

    def read(self, place: Place, following: int = 0) -> None:
        """Climb from one mention and note what happens to it."""
        current: Place | None = place
        while current is not None:
            current = self._step(current, following)

    def _step(self, place: Place, following: int) -> Place | None:
        """One step up: the place that the parent stands for, or None when the end is reached."""
        node = place.node
        up = node.up
        if up is None:
            return None
        kind = up.kind
        if kind == "member_expression" and up.kids[0] is node:
            return self._property(place, up, following)
        if kind == "subscript_expression" and up.kids[0] is node:
            return self._subscript(place, up)
        if kind in ("parenthesized_expression", "await_expression", "as_expression", "non_null_expression",
                    "satisfies_expression", "type_assertion"):  # fmt: skip
            return place._replace(node=up)
        if kind == "assignment_expression":
            if up.kids[0] is node:
                self._assigned(place, up)
                return None
            left = up.kids[0]
            if left.kind == "identifier":
                self._alias(place, left, following)
            else:
                self.note(Kind.READ, place, up, detail="escape", how="stored")
            return None
        if kind == "augmented_assignment_expression" and up.kids[0] is node:
            self._augmented(place, up)
        elif kind == "variable_declarator":
            name = up.kids[0]
            if name.kind == "identifier" and name is not node:
                self._alias(place, name, following)
            else:
                self.note(Kind.READ, place, up, detail="all", how="unpacked")
        elif kind == "arguments":
            return self._argument(place, up)
        elif kind == "call_expression" and up.kids[0] is node:
            ends = self.resource is not None and "()" in self.resource.release and not place.depth
            self.note(
                Kind.RELEASE if ends else Kind.READ, place, up, detail="" if ends else "other", how="()"
            )
        elif kind == "for_in_statement":
            if len(up.kids) > 1 and up.kids[-2] is node:
                self._iterated(place, up.kids[0], up.kids[-1], up)
        elif kind == "return_statement" or (kind == "arrow_function" and up.kids[-1] is node):
            self.note(Kind.READ, place, up, detail="returned")
        elif kind == "spread_element":
            self.note(Kind.READ, place, up, detail="all", how="spread")
        elif kind in ("pair", "array", "object", "yield_expression"):
            self.note(Kind.READ, place, up, detail="escape", how=kind)
        elif kind == "unary_expression" and self._sign(up).startswith("delete"):
            self.note(Kind.SHRINK if place.depth else Kind.CLEAR, place, up, how="del")
        elif kind == "binary_expression":
            return self._binary(place, up)
        elif kind == "ternary_expression" and up.kids[0] is not node:
            return place._replace(node=up)
        elif kind in _TESTS:
            self.note(Kind.READ, place, up, detail="truth")
        elif kind != "expression_statement":
            self.note(Kind.READ, place, up, detail="all", how=kind)
        return None

    def _sign(self, node: N) -> str:
        return (
            self.acquiring.module.source[node.start : node.kids[0].start].decode("utf-8", "replace").strip()
        )

    def _binary(self, place: Place, up: N) -> Place | None:
        left, right = up.kids[0], up.kids[-1]
        sign = self.acquiring.module.source[left.end : right.start].decode("utf-8", "replace").strip()
        if sign in ("||", "??"):
            return place._replace(node=up)
        if sign == "&&" and place.node is right:
            return place._replace(node=up)
        if sign == "in" and place.node is right:
            self.note(Kind.READ, place, up, detail="key", how="in", key=self.text(left))
        elif sign in _COMPARES or sign == "&&":
            self.note(Kind.READ, place, up, detail="truth")
        else:
            self.note(Kind.READ, place, up, detail="all", how=sign)
        return None

    # Properties and methods

    def _property(self, place: Place, member: N, following: int) -> Place | None:
        name = self.text(member.kids[-1])
        outer = member.up
        if outer is not None and outer.kind == "call_expression" and outer.kids[0] is member:
            return self._method(place, outer, name)
        if name in ("length", "size"):
            self._length(place, member, outer)
            return None
        if self.resource is not None and f".{name}" in self.resource.release and outer is not None:
            if outer.kind in ("arguments", "member_expression", "pair", "array"):
                self.note(Kind.RELEASE, place, member, how=f".{name}")
            return None
        if outer is not None and outer.kind == "assignment_expression" and outer.kids[0] is member:
            if place.depth == 0 and name == "value" and self.resource is None:
                self.note(Kind.READ, place, outer, detail="other", how=name)
                return None
            self.note(Kind.READ, place, outer, detail="other", how=f"set {name}")
            return None
        if name in LISTS or name in SHRINKS:
            self.note(Kind.GROW if name in LISTS else Kind.SHRINK, place, member, how=name)
            return None
        self.note(Kind.READ, place, member, detail="other", how=name)
        return None

    def _length(self, place: Place, member: N, outer: N | None) -> None:
        if outer is not None and outer.kind == "assignment_expression" and outer.kids[0] is member:
            value = self.text(outer.kids[-1])
            if value == "0":
                self.note(Kind.SHRINK if place.depth else Kind.CLEAR, place, outer, how="length")
            else:
                self.note(Kind.SHRINK, place, outer, how="slice", argument=value)
                self.note(Kind.BOUND, place, outer, how="slice", argument=value)
            return
        if outer is not None and outer.kind == "binary_expression":
            left, right = outer.kids[0], outer.kids[-1]
            other = right if left is member else left
            sign = self.acquiring.module.source[left.end : right.start].decode("utf-8", "replace").strip()
            if sign in (">", "<", ">=", "<=", "===", "==") and self.text(other) not in ("0", "1", "-1"):
                loop = outer.up is not None and outer.up.kind == "for_statement"
                if not loop and not self._loops(outer):
                    self.note(Kind.BOUND, place, outer, how="len", argument=self.text(other))
                    return
        self.note(Kind.READ, place, member, detail="len", how="length")

    @staticmethod
    def _loops(test: N) -> bool:
        """Whether a comparison is the test of a counting loop."""
        statement = test.up
        return statement is not None and statement.up is not None and statement.up.kind == "for_statement"

    def _method(self, place: Place, call: N, name: str) -> Place | None:
        """A call `<place>.name(...)`."""
        given = arguments(call)
        first = given[0] if given else None
        if self.resource is not None and f".{name}" in self.resource.release:
            self.note(Kind.RELEASE, place, call, how=f".{name}")
        elif name in LISTS:
            self.note(Kind.GROW, place, call, how="append", argument=self.text(first))
        elif name == "add" and first is not None:
            self.note(Kind.GROW, place, call, how="add", argument=self.text(first))
        elif name == "set" and len(given) == 2:
            empty = bool(_EMPTY.match(self.text(given[1]))) and place.depth == 0
            self.note(
                Kind.GROW,
                place,
                call,
                how="set empty" if empty else "setitem",
                key=self.text(first),
                argument=self.text(given[1]),
                detail="anew" if self._anew(first) else self.text(first),
            )
        elif name == "get" and first is not None:
            self.note(
                Kind.READ,
                place,
                call,
                detail="key",
                how="get",
                key=self.text(first),
                argument=self.text(first),
            )
            return Place(call, place.depth + 1, place.key or self.text(first), place.alias)
        elif name == "splice" and len(given) > 2 and self.text(given[1]) == "0":
            self.note(Kind.GROW, place, call, how="append", argument=self.text(given[2]))
        elif name in SHRINKS and (
            first is not None or name in ("pop", "shift", "dequeue", "popFront", "popBack")
        ):
            self.note(
                Kind.SHRINK,
                place,
                call,
                how="discard" if name == "delete" else name,
                key=self.text(first),
                argument=self.text(first),
            )
        elif name in CLEARS:
            self.note(Kind.SHRINK if place.depth else Kind.CLEAR, place, call, how="clear")
        elif name == "slice":
            last = re.fullmatch(r"-\s*([\w.]+)", self.text(first))
            if last and len(given) == 1:
                self.note(Kind.READ, place, call, detail="last", argument=last[1])
            else:
                self.note(Kind.READ, place, call, detail="slice" if first is not None else "all", how="slice")
        elif name in ITERATES:
            self._walked(place, call, name, first)
            if name in ("values", "keys", "entries", "filter"):
                outer = call.up
                if outer is not None and outer.kind == "for_in_statement" and outer.kids[-2] is call:
                    self._iterated(place, outer.kids[0], outer.kids[-1], outer, noted=True)
        elif name in LOOKS:
            self.note(Kind.READ, place, call, detail="key", how=name, key=self.text(first))
        else:
            self.note(Kind.READ, place, call, detail="other", how=name, argument=self.text(first))
        return None

    def _walked(self, place: Place, call: N, name: str, callback: N | None) -> None:
        """`<place>.forEach(item => ...)`."""
        self.note(Kind.READ, place, call, detail="iterate", how=name)
        if callback is None or callback.kind not in FUNCTIONS:
            if CLOSERS.search(self.text(callback)):
                self.note(Kind.RELEASE, place, call, how=name)
            return
        names = callback.kids[0] if callback.kids else None
        first = (
            names.kids[0] if names is not None and names.kind == "formal_parameters" and names.kids else names
        )
        bound = self.text(first.kids[0] if first is not None and first.kids else first)
        if bound and self._ends(bound, callback.kids[-1]):
            self.note(Kind.RELEASE, place, call, how=name)

    def _iterated(self, place: Place, left: N, body: N, loop: N, *, noted: bool = False) -> None:
        if not noted:
            self.note(Kind.READ, place, loop, detail="iterate")
        if any(self._ends(name, body) for name in re.findall(r"[\w$]+", self.text(left))):
            self.note(Kind.RELEASE, place, loop, how="for")

    def _ends(self, name: str, body: N) -> bool:
        """Whether code ends what a name stands for."""
        spelled = re.escape(name)
        ended = rf"(?<![\w.$]){spelled}(?:\.\w+)*[?!]?\.(?:{_ENDS})\w*\("
        given = (
            rf"\b(?:clear|dispose|close|destroy|delete)\w*\(\s*{spelled}\b|(?<![\w.$]){spelled}(?:\?\.)?\("
        )
        pattern = f"{ended}|{given}"
        return re.search(pattern, self.text(body), re.M) is not None

    def _subscript(self, place: Place, up: N) -> Place | None:
        key = self.text(up.kids[-1])
        outer = up.up
        if outer is not None and outer.kind == "assignment_expression" and outer.kids[0] is up:
            value = self.text(outer.kids[-1])
            how = "set empty" if _EMPTY.match(value) and place.depth == 0 else "setitem"
            if value in ("undefined", "null"):
                self.note(Kind.SHRINK, place, outer, how="del", key=key, argument=key)
            else:
                detail = "anew" if self._anew(up.kids[-1]) else key
                self.note(Kind.GROW, place, outer, how=how, key=key, argument=value, detail=detail)
            return None
        if outer is not None and outer.kind == "augmented_assignment_expression" and outer.kids[0] is up:
            value = self.text(outer.kids[-1])
            how = "set empty" if _EMPTY.match(value) else "count"
            self.note(Kind.GROW, place, outer, how=how, key=key, argument=value, detail=key)
            return None
        if outer is not None and outer.kind == "unary_expression" and self._sign(outer).startswith("delete"):
            self.note(Kind.SHRINK, place, outer, how="del", key=key, argument=key)
            return None
        self.note(Kind.READ, place, up, detail="key", how="[]", key=key, argument=key)
        return Place(up, place.depth + 1, place.key or key, place.alias)

    def _anew(self, key: N | None) -> bool:
        """Whether a key is counted up or drawn at random, so that none comes twice."""
        inner = bare(key)
        if inner is None:
            return False
        if _ANEW.search(self.text(inner)):
            return True
        function = self.acquiring.module.around(inner)
        body = self.text(function.body) if function is not None else ""
        if inner.kind == "identifier":
            name = re.escape(self.text(inner))
            made = re.search(rf"\b(?:const|let|var)\s+{name}\b[^=\n;]*=\s*([^\n;]*)", body)
        elif inner.kind == "member_expression":  # entry.id of `const entry = {id: this.next++}`
            name, member = (re.escape(self.text(kid)) for kid in inner.kids)
            made = re.search(
                rf"\b(?:const|let|var)\s+{name}\b[^=;]*=\s*\{{[^}}]*\b{member}\s*:\s*([^\n,}}]*)", body
            )
        else:
            return False
        return made is not None and _ANEW.search(made[1]) is not None

    # Assignments

    def _assigned(self, place: Place, assignment: N) -> None:
        """The member (or an element that has a name) gets a value."""
        right = assignment.kids[-1]
        while right.kind == "assignment_expression":
            right = right.kids[-1]
        value = bare(right) or right
        made, name = self.text(value), self.text(place.node)
        if place.depth or place.alias:
            return
        if value.kind in ("null", "undefined"):
            self.note(Kind.CLEAR, place, assignment, how="none")
            return
        spelled = re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", made) is not None
        if spelled and value.kind == "call_expression" and re.search(r"\.(?:filter|slice|splice)\(", made):
            self.note(Kind.SHRINK, place, assignment, how="replace", argument=made)
            if re.search(rf"{re.escape(name)}\.slice\(-", made):
                self.note(Kind.BOUND, place, assignment, how="slice", argument=made)
        elif spelled and (value.kind in ("array", "object") or ".concat(" in made):
            if f"...{name}" in made or ".concat(" in made:
                self.note(Kind.GROW, place, assignment, how="=+", argument=made)
        else:
            self.made(place, value, assignment, how="=")

    def made(self, place: Place, value: N, at: N, how: str, target: str = "") -> None:
        """The member is made, by an expression."""
        detail, resource = self.kind_of(value)
        where = value if resource is not None else at
        shown = self.text(value)
        self.note(
            Kind.INIT, place, where, how=how, argument=shown, detail=detail, resource=resource, target=target
        )

    def kind_of(self, value: N) -> tuple[str, Resource | None]:
        """What a value makes of a member: the kind of collection, a resource, or how it came."""
        inner = strip(value) or value
        if inner.kind == "array":
            return "list", None
        if inner.kind == "object":
            return "dict", None
        if inner.kind in ("call_expression", "new_expression"):
            resource = self.resource_of(inner)
            if resource is not None:
                return resource.id, resource
            callee = self.acquiring.module.callee(inner)
            given = arguments(inner)
            kinds = {"new Map": "dict", "new Set": "set", "new Array": "list", "Array": "list", "Object.create": "dict",
                     "new WeakMap": "WeakMap", "new WeakSet": "WeakSet", "new WeakRef": "WeakRef"}  # fmt: skip
            if callee in kinds:
                return kinds[callee], None
            if re.search(r"new .*(?:LRU|Lru|Cache|TTL|BoundedMap|Ring|Circular)", callee) and given:
                return "value", None
            return "call", None
        if inner.kind in ("null", "undefined"):
            return "none", None
        if inner.kind == "identifier":
            function = self.acquiring.module.around(value)
            if function is not None and self.text(inner) in function.parameters:
                return "parameter", None
        return "value", None

    def _augmented(self, place: Place, up: N) -> None:
        value = up.kids[-1]
        sign = self.acquiring.module.source[up.kids[0].end : value.start].decode("utf-8", "replace").strip()
        if sign in ("??=", "||="):
            self.note(Kind.READ, place, up, detail="truth")
            self.made(place, value, up, how="=")
        elif sign == "+=":
            self.note(Kind.READ, place, up, detail="other", how="+=")
        else:
            self.note(Kind.READ, place, up, detail="all")

    def _argument(self, place: Place, listing: N) -> Place | None:
        """Given to a call."""
        call = listing.up
        if call is None:
            return None
        callee = self.acquiring.module.callee(call)
        last = callee.rpartition(".")[2]
        if self.resource is not None and (
            callee in self.resource.release or f".{last}" in self.resource.release
        ):
            self.note(Kind.RELEASE, place, call, how=callee)
        elif callee in ("Object.keys", "Object.values", "Object.entries", "Array.from"):
            self.note(Kind.READ, place, call, detail="iterate", how=callee)
            outer = call.up
            if outer is not None and outer.kind == "for_in_statement" and outer.kids[-2] is call:
                self._iterated(place, outer.kids[0], outer.kids[-1], outer, noted=True)
            elif outer is not None and outer.kind == "member_expression":
                chain = outer.up
                if chain is not None and chain.kind == "call_expression" and arguments(chain):
                    self._walked(place, chain, self.text(outer.kids[-1]), arguments(chain)[0])
        elif callee == "JSON.stringify":
            self.note(Kind.READ, place, call, detail="all", how=callee)
        elif CLOSERS.search(callee) or last.startswith("unref"):
            self.note(Kind.RELEASE, place, call, how=callee)
        elif callee.startswith("console."):
            self.note(Kind.READ, place, call, detail="all", how=callee)
        else:
            self.note(Kind.READ, place, call, detail="passed", how=f"passed to {callee}")
        return None

    def _alias(self, place: Place, name: N, following: int) -> None:
        """The member gets another name in this function: that name is followed."""
        if following >= _DEEPEST:
            return
        scope: N | None = name
        while scope is not None and scope.kind not in FUNCTIONS and scope.kind != "program":
            scope = scope.up
        spelled = self.text(name)
        if place.depth == 0:
            self.note(Kind.READ, place, name, detail="other", how="named")
        end = scope.end if scope is not None else name.end
        for node in self.acquiring.module.named(spelled, name.end, end):
            if node.kind == "identifier":
                up = node.up
                if (
                    up is not None
                    and up.kind in ("variable_declarator", "required_parameter")
                    and up.kids[0] is node
                ):
                    continue
                self.read(place._replace(node=node, alias=True), following + 1)


def _conditional(node: N) -> bool:
    """Whether a place is only reached under a condition."""
    for up in node.above():
        if up.kind in FUNCTIONS:
            return False
        if up.kind in ("if_statement", "ternary_expression", "switch_case", "catch_clause"):
            return True
    return False
