"""Classes, and what is written like them: an object given to `X.extend`, a constructor and its prototype."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from repairbot.languages.typescript.syntax import Definition, Module
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.languages.typescript.vocabulary import CALLED_AT_END, KEEPERS, RUNS_AT_ONCE, TEARDOWNS

AT_END: Final = "toDisposable"
"""The method that callbacks which run at an object's end count as."""
CONSTRUCTOR: Final = "constructor"
Locate = Callable[[N], tuple[str, bool]]
"""The method around a node, and whether its code runs again and again."""
_FIELDS: Final = ("public_field_definition", "field_definition")


@dataclass(eq=False, slots=True)
class View:
    """A class as its members see it: an ES class, an object given to `X.extend`, or a constructor and its prototype."""

    name: str
    node: N
    bases: tuple[str, ...] = ()
    methods: dict[str, N] = field(default_factory=dict)
    """Functions whose `this` is the object, by name."""
    fields: list[N] = field(default_factory=list)
    definition: Definition | None = None
    keeper: str = ""
    """A callee that keeps what it is given until the object ends ("this._register")."""
    own: set[str] = field(default_factory=set)
    """Members that are the object itself (`private me = this;`)."""
    mentions: dict[str, list[N]] = field(default_factory=dict)
    """The nodes that name each member."""
    teardowns: tuple[str, ...] = ()
    """Methods that end an instance's life, the strongest first."""
    places: dict[int, str] = field(default_factory=dict)
    """Which method a mention stands in, by the node's id."""


_PROPERTIES = frozenset({"property_identifier", "private_property_identifier"})


class Classes:
    """The class-like things of one file."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.views = [*self._classes(), *self._literal(), *self._prototypes()]
        for view in self.views:
            self._mentions(view)
            for nodes in view.mentions.values():
                nodes.sort(key=lambda node: node.start)
            view.keeper = self._keeper(view)
            view.teardowns = self._teardowns(view)

    def _classes(self) -> Iterator[View]:
        for definition in self.module.classes:
            body = definition.body
            heritage = definition.node.of("class_heritage")
            bases: list[str] = []
            for kid in heritage.walk() if heritage is not None else ():
                if kid.kind in ("identifier", "member_expression", "call_expression") and not bases:
                    bases.append(self.module.dotted(kid) or self.module.text(kid))
            view = View(definition.name, definition.node, tuple(bases), definition=definition)
            for kid in body.kids if body is not None else ():
                if self.module.source[kid.start : kid.start + 7] == b"static ":
                    continue
                if kid.kind == "method_definition":
                    child = self.module.definition_of(kid)
                    if child is not None:
                        view.methods.setdefault(child.name, kid)
                elif kid.kind in _FIELDS:
                    view.fields.append(kid)
                    value = kid.kids[-1] if kid.kids else None
                    if value is not None and value.kind in FUNCTIONS:
                        view.methods.setdefault(self.field_name(kid), value)
            yield view

    def field_name(self, node: N) -> str:
        named = next((k for k in node.kids if k.kind not in ("accessibility_modifier", "decorator")), None)
        return self.module.text(named).strip("'\"")

    def _literal(self) -> Iterator[View]:
        """`X.extend({...})` and its kin: an object of methods."""
        for call, last in self.module.called:
            if (
                last not in ("extend", "createClass", "defineComponent", "Polymer")
                or call.kind != "call_expression"
            ):
                continue
            callee = self.module.callee(call)
            body = next((kid for kid in call.kids[-1].kids if kid.kind == "object"), None)
            if body is None:
                continue
            up = call.up
            name = self.module.dotted(up.kids[0]).rpartition(".")[2] if up is not None and up.kids else ""
            view = View(name or "<object>", body, (callee.rpartition(".")[0],))
            for kid in body.kids:
                if kid.kind == "method_definition" and kid.kids:
                    view.methods.setdefault(self.module.text(kid.kids[0]), kid)
                elif kid.kind == "pair" and kid.kids[-1].kind == "function_expression":
                    view.methods.setdefault(self.module.text(kid.kids[0]).strip("'\""), kid.kids[-1])
            if len(view.methods) > 1:
                yield view

    def _prototypes(self) -> Iterator[View]:
        """`function X() {}` and `X.prototype.method = function () {}`."""
        if b".prototype." not in self.module.source:
            return
        found: dict[str, View] = {}
        for definition in self.module.functions:
            up = definition.node.up
            if up is None or up.kind != "assignment_expression":
                continue
            parts = self.module.dotted(up.kids[0]).split(".")
            if len(parts) != 3 or parts[1] != "prototype":
                continue
            view = found.setdefault(parts[0], View(parts[0], definition.node))
            view.methods.setdefault(parts[2], definition.node)
        for name, view in found.items():
            for definition in self.module.functions:
                if definition.name == name and definition.parent is None:
                    view.methods[CONSTRUCTOR] = view.node = definition.node
            yield view

    # Mentions

    @cached_property
    def _selves(self) -> list[tuple[int, str]]:
        """Where a member becomes the object itself (`this._self = this;`), and which one."""
        return [
            (node.start, self.module.text(node.kids[0].kids[-1]))
            for node in self.module.all("assignment_expression")
            if node.kids[-1].kind == "this"
            and node.kids[0].kind == "member_expression"
            and node.kids[0].kids[0].kind == "this"
        ]

    def _mentions(self, view: View) -> None:
        for kid in view.fields:
            value = kid.kids[-1] if len(kid.kids) > 1 else None
            if value is not None and value.kind == "this":
                view.own.update(self.module.text(each) for each in kid.kids if each.kind in _PROPERTIES)
        view.own.update(name for at, name in self._selves if view.node.start <= at < view.node.end)
        for kid in view.fields:
            value = kid.kids[-1] if len(kid.kids) > 1 else None
            if value is not None and value.kind not in FUNCTIONS:
                self._collect(view, value, "", {"this"})
        for name, function in view.methods.items():
            for kid in function.kids:
                self._collect(view, kid, name, {"this"})

    def _collect(self, view: View, node: N, method: str, names: set[str]) -> None:
        """The members that are named below a node, where `names` stand for the object."""
        waiting: list[tuple[N, str, set[str]]] = [(node, method, names)]
        text = self.module.text
        while waiting:
            current, method, names = waiting.pop()
            kind = current.kind
            if kind in ("member_expression", "subscript_expression") and len(current.kids) == 2:
                head, last = current.kids
                if head.kind in ("this", "identifier") and text(head) in names:
                    if kind == "member_expression":
                        name = text(last)
                    elif last.kind == "identifier":
                        name = f"[{text(last)}]"
                    else:
                        name = ""
                    if name:
                        view.mentions.setdefault(name, []).append(current)
                        view.places[id(current)] = method
                elif (
                    kind == "member_expression"
                    and head.kind == "member_expression"
                    and head.kids[0].kind == "this"
                    and text(head.kids[-1]) in view.own
                ):
                    view.mentions.setdefault(text(last), []).append(current)
                    view.places[id(current)] = method
            elif kind == "variable_declarator" and len(current.kids) > 1:
                value = current.kids[-1]
                if value.kind == "this" and "this" in names and current.kids[0].kind == "identifier":
                    names = names | {text(current.kids[0])}
                    scope = current
                    while scope.up is not None and scope.kind not in FUNCTIONS:
                        scope = scope.up
                    alias = {text(current.kids[0])}
                    for other in scope.kids:
                        if current.start >= other.start and current.end <= other.end:
                            self._collect(view, other, method, alias)
                    continue
            elif kind in ("function_expression", "function_declaration", "generator_function"):
                if not self._bound(current):
                    names = names - {"this"}
                    if not names:
                        continue
            elif kind in ("class", "class_declaration"):
                continue
            if kind in FUNCTIONS and self._runs_at_end(current):
                method = AT_END
            waiting.extend((kid, method, names) for kid in current.kids)

    def _bound(self, function: N) -> bool:
        """`function () {}.bind(this)`, or given with `this` behind it."""
        up = function.up
        while up is not None and up.kind == "parenthesized_expression":
            up = up.up
        if up is not None and up.kind == "member_expression" and self.module.text(up.kids[-1]) == "bind":
            return True
        return up is not None and up.kind == "arguments" and up.kids[-1].kind == "this"

    def _keeper(self, view: View) -> str:
        found = ""
        for nodes in view.mentions.values():
            for node in nodes:
                member = node
                while (
                    member.up is not None
                    and member.up.kind == "member_expression"
                    and member.up.kids[0] is member
                ):
                    member = member.up
                call = member.up
                if call is None or call.kind != "call_expression" or call.kids[0] is not member:
                    continue
                callee = self.module.dotted(member)
                if KEEPERS.fullmatch(callee):
                    if callee.startswith(("this._register", "this.register")):
                        return callee
                    found = found or callee
        return found

    # Where things stand

    def locator(self, view: View) -> Locate:
        """Tells the method around a node of a class."""
        names = {id(node): name for name, node in view.methods.items()}

        def locate(node: N) -> tuple[str, bool]:
            method, again, at_end = "", False, False
            for up in (node, *node.above()):
                if id(up) in names:
                    method = names[id(up)]
                    break
                if up.kind in FUNCTIONS:
                    callee = self._given_to(up)
                    at_end = at_end or self._runs_at_end(up)
                    again = again or callee.rpartition(".")[2].removeprefix("new ") not in RUNS_AT_ONCE
                if up is view.node:
                    break
            if at_end:
                return AT_END, False
            return method, again or method not in ("", CONSTRUCTOR)

        return locate

    def _runs_at_end(self, function: N) -> bool:
        """Whether a callback is given to what calls it when the object ends."""
        callee = self._given_to(function)
        return bool(callee) and CALLED_AT_END.search(callee) is not None and not arguments_before(function)

    def _given_to(self, function: N) -> str:
        """The callee that a callback is given to, "" for any other function."""
        listing = function.up
        if listing is None or listing.kind != "arguments" or listing.up is None:
            return ""
        return self.module.callee(listing.up)

    def reached(self, view: View, teardowns: tuple[str, ...]) -> set[str]:
        """The teardowns, the methods they call, and those that somebody is handed."""
        calls: dict[str, set[str]] = {}
        handed: set[str] = set()
        for name, nodes in view.mentions.items():
            if name not in view.methods:
                continue
            for node in nodes:
                up = node.up
                if up is not None and up.kind == "call_expression" and up.kids[0] is node:
                    calls.setdefault(view.places[id(node)], set()).add(name)
                else:
                    handed.add(name)
        reached = {*teardowns, AT_END, *handed}
        waiting = list(reached)
        while waiting:
            for name in calls.get(waiting.pop(), ()):
                if name not in reached:
                    reached.add(name)
                    waiting.append(name)
        return reached

    def _teardowns(self, view: View) -> tuple[str, ...]:
        """The methods that end an instance's life, the strongest first."""
        found: list[str] = [name for name in TEARDOWNS if name in view.methods]
        if any(method == AT_END for method in view.places.values()):
            found.insert(1 if found[:1] == ["dispose"] else 0, AT_END)
        if not found and view.keeper:
            found = ["dispose"]
        return tuple(dict.fromkeys(found))


def arguments_before(function: N) -> bool:
    """Whether a callback stands behind another argument that is no function (an event's name, say)."""
    listing = function.up
    return listing is not None and bool(listing.kids) and listing.kids[0] is not function
