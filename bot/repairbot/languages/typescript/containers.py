"""The containers of a file: its classes and the module, with their members and all that happens to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from repairbot.languages.typescript.acquiring import Acquiring
from repairbot.languages.typescript.classes import AT_END, CONSTRUCTOR, Classes, Locate, View
from repairbot.languages.typescript.lives import lifetime
from repairbot.languages.typescript.mentions import Place, Reader
from repairbot.languages.typescript.syntax import strip
from repairbot.languages.typescript.tree import CALLS, N
from repairbot.languages.typescript.vocabulary import BASES, DISPOSERS, KEEPERS, TEARDOWNS
from repairbot.lazily import regex
from repairbot.lifetimes.ops import OTHER_BRANCH, Container, Event, Kind, Member, Resource
from repairbot.model import Span

_ENDINGS: Final = (
    "dispose",
    "destroy",
    "close",
    "disconnect",
    "unsubscribe",
    "terminate",
    "stop",
    "end",
    "cancel",
    "abort",
)
SUBSCRIPTION: Final = Resource(
    "subscription",
    "subscription",
    (".subscribe",),
    (".unsubscribe", ".dispose", "()", ".remove", ".off"),
    origin="inferred",
)
_SUBSCRIBED: Final = regex(
    r"(?i)sub$|subs?cription|listener|disposable|unsub|unlisten|^off[A-Z]|dispose[r]?$"
)
"""Names of members that keep what ends a subscription."""
_SUBSCRIBES: Final = regex(r"subscribe\w*|on(?:Did|Will)?[A-Z]\w*|addListener|listen")
_COLLECTIONS: Final = frozenset({"list", "dict", "set"})
_MODULE_COLLECTION: Final = regex(
    rb"(?m)^(?:export[ \t]+)?(?:const|let|var)[ \t]+([\w$]+)[^=\n;]*=[ \t]*"
    rb"(?:new (?:Map|Set|Array)\b|\[|\{|Object\.create)"
)


class Collector:
    """Makes the containers of one file."""

    def __init__(self, acquiring: Acquiring, classes: Classes) -> None:
        self.acquiring, self.module, self.classes = acquiring, acquiring.module, classes
        self.disposable = self._disposable()

    # What has to be ended

    def _disposable(self) -> dict[str, Resource]:
        """Constructors whose objects have to be ended: classes of this file with a teardown, and those of which some
        object is kept by what ends it."""
        found: dict[str, Resource] = {}
        for view in self.classes.views:
            ending = next((name for name in DISPOSERS if name in view.methods), "")
            if not ending and any(BASES.search(base) for base in view.bases):
                ending = "dispose"
            if ending:
                found[view.name] = _made(view.name, ending)
        for view in self.classes.views:
            if not view.keeper:
                continue
            prefix = re.escape(view.keeper)
            body = self.module.text(view.node)
            for match in re.finditer(prefix + r"\(\s*new\s+([\w$.]+)", body):
                found.setdefault(match[1], _made(match[1], "dispose"))
        return found

    def collect(self) -> list[Container]:
        """Every class with members of interest, and the module."""
        found = [container for view in self.classes.views if (container := self._container(view)) is not None]
        module = self._module()
        return [*found, module] if module is not None else found

    def _container(self, view: View) -> Container | None:
        source = self.module
        lives, evidence = lifetime(source, view.name, view.bases, view.node)
        methods = {name: source.span(node) for name, node in view.methods.items()}
        container = Container(
            name=view.definition.symbol if view.definition is not None else view.name,
            kind="class",
            at=source.span(view.node),
            bases=view.bases,
            methods=methods,
            teardowns=view.teardowns,
            lives=lives,
            evidence=evidence,
            this="this",
            keeper=f"{view.keeper}({{}})" if view.keeper else "",
        )
        locate = self.classes.locator(view)
        reached = self.classes.reached(view, container.teardowns)
        inferred = self._inferred(view)
        for name in self._names(view):
            member = self._member(view, name, locate, inferred)
            if member is not None:
                container.members[name] = member
        releasing = {e.method for m in container.members.values() for e in m.of(Kind.RELEASE)}
        container.apart = tuple(sorted(method for method in releasing if method and method not in reached))
        container.called = tuple(self._called(view))
        return container if container.members else None

    def _called(self, view: View) -> Iterator[str]:
        """Methods that this file calls itself, in code that is neither a teardown nor a constructor."""
        for name, nodes in view.mentions.items():
            if name in view.methods:
                for node in nodes:
                    up, method = node.up, view.places[id(node)]
                    called = up is not None and up.kind == "call_expression" and up.kids[0] is node
                    if called and method not in (*TEARDOWNS, CONSTRUCTOR, AT_END, "", name):
                        yield name
                        break

    # Members

    def _names(self, view: View) -> list[str]:
        fields = [self.classes.field_name(kid) for kid in view.fields]
        return [name for name in dict.fromkeys([*fields, *view.mentions]) if name not in view.methods]

    def _values(self, view: View, name: str) -> Iterator[N]:
        """What a member is set to."""
        for kid in view.fields:
            if self.classes.field_name(kid) == name and (value := _value(kid)) is not None:
                yield value
        for node in view.mentions.get(name, ()):
            up = node.up
            if (
                up is not None
                and up.kind in ("assignment_expression", "augmented_assignment_expression")
                and up.kids[0] is node
            ):
                yield up.kids[-1]

    def _inferred(self, view: View) -> dict[str, Resource]:
        """By what makes them (a callee's last name): what members have to be ended, since one of them is."""
        found: dict[str, Resource] = {}
        for name in self._names(view):
            makers = [self._maker(value) for value in self._values(view, name)]
            if not any(makers):
                continue
            for node in view.mentions.get(name, ()):
                up = node.up
                call = (
                    up.up
                    if up is not None and up.kind == "member_expression" and up.kids[0] is node
                    else None
                )
                if up is None or call is None or call.kind != "call_expression" or call.kids[0] is not up:
                    continue
                method = self.module.text(up.kids[-1])
                at_end = view.places[id(node)] in (AT_END, *TEARDOWNS)
                if method in (_ENDINGS if at_end else DISPOSERS):
                    for maker in filter(None, makers):
                        found.setdefault(maker, _made(maker.removeprefix("new "), method))
        return found

    def _maker(self, value: N) -> str:
        """`new X` or the last name of a callee, "" for anything else."""
        inner = strip(value)
        if inner is None or inner.kind not in CALLS:
            return ""
        callee = self.module.callee(inner)
        if KEEPERS.fullmatch(callee):
            return ""
        return callee if inner.kind == "new_expression" else callee.rpartition(".")[2]

    def _resource(self, view: View, name: str, inferred: dict[str, Resource]) -> Resource | None:
        """What a member holds that has to be ended."""
        for value in self._values(view, name):
            inner = strip(value)
            if inner is None or inner.kind not in CALLS:
                continue
            found = self._acquired(inner)
            if found is None and _SUBSCRIBED.search(name) and _SUBSCRIBES.fullmatch(self._maker(inner)):
                found = SUBSCRIPTION
            if found is None and (maker := self._maker(inner)):
                found = inferred.get(maker) or self.disposable.get(maker.removeprefix("new "))
                if inner.kind != "new_expression" and found is not None and maker not in inferred:
                    found = None
            if found is not None:
                return found
        return None

    def _acquired(self, call: N) -> Resource | None:
        """What a call acquires that a member may hold; timers are registrations."""
        found = self.acquiring.at(call)
        return found if found is not None and not found.paired else None

    def _member(self, view: View, name: str, locate: Locate, inferred: dict[str, Resource]) -> Member | None:
        resource = self._resource(view, name, inferred)
        spelled = f"this{name}" if name.startswith("[") else f"this.{name}"
        made_by = self.made_by(inferred, subscribed=resource is SUBSCRIPTION)
        reader = Reader(self.acquiring, resource, locate, made_by, [], spelled)
        for kid in view.fields:
            if self.classes.field_name(kid) == name and (value := _value(kid)) is not None:
                reader.made(Place(kid), value, kid, how="field", target=spelled)
        for parameter in self._properties(view):
            if parameter[0] == name:
                reader.note(Kind.INIT, Place(parameter[1]), parameter[1], how="parameter", detail="parameter")
        for node in view.mentions.get(name, ()):
            reader.read(Place(node))
        events = sorted(self._apart(reader.events), key=lambda event: event.at.start)
        kinds = {event.kind for event in events}
        telling = resource is not None or Kind.RELEASE in kinds
        collection = any(event.kind is Kind.INIT and event.detail in _COLLECTIONS for event in events)
        if not telling and not (collection and kinds & {Kind.GROW, Kind.BOUND}):
            return None
        return Member(name, events)

    def _apart(self, events: list[Event]) -> list[Event]:
        """Releases that stand in the other branch of where the member is made say so."""
        made = [event for event in events if event.kind is Kind.INIT and event.resource is not None]
        return [
            replace(event, detail=OTHER_BRANCH)
            if event.kind is Kind.RELEASE
            and any(one.method == event.method for one in made)
            and all(one.method != event.method or self._branched(one.at, event.at) for one in made)
            else event
            for event in events
        ]

    def _branched(self, one: Span, other: Span) -> bool:
        """Whether two places stand in the two branches of one `if`."""
        node = self.module.tree
        while True:
            inner = next((kid for kid in node.kids if kid.start <= one.start and other.end <= kid.end), None)
            if inner is None:
                break
            node = inner
        return node.kind == "if_statement" and one.start >= node.kids[1].start

    def made_by(
        self, inferred: dict[str, Resource], *, subscribed: bool = False
    ) -> Callable[[N], Resource | None]:
        """What a call makes that has to be ended; `subscribed`: also where it only may be a subscription."""

        def resource_of(call: N) -> Resource | None:
            found = self._acquired(call)
            if found is not None:
                return found
            maker = self._maker(call)
            if maker in inferred:
                return inferred[maker]
            if subscribed and _SUBSCRIBES.fullmatch(maker):
                return SUBSCRIPTION
            return self.disposable.get(maker[4:]) if maker.startswith("new ") else None

        return resource_of

    def _properties(self, view: View) -> Iterator[tuple[str, N]]:
        """The parameters of the constructor that are members."""
        node = view.methods.get(CONSTRUCTOR)
        listing = node.of("formal_parameters") if node is not None else None
        for kid in listing.kids if listing is not None else ():
            if kid.of("accessibility_modifier") is not None and (named := kid.of("identifier")) is not None:
                yield self.module.text(named), kid

    # The module

    def _module(self) -> Container | None:
        names = dict.fromkeys(match[1].decode() for match in _MODULE_COLLECTION.finditer(self.module.source))
        if not names:
            return None
        container = Container(
            "<module>", "module", self.module.span(self.module.tree), lives="module", this="this"
        )
        for name in names:
            if not _may_grow(self.module.source, name.encode()):
                continue
            container.members.update(self._global(name, list(self.module.named(name))))
        return container if container.members else None

    def _global(self, name: str, nodes: list[N]) -> dict[str, Member]:
        made = next(
            (
                node
                for node in nodes
                if node.up is not None and node.up.kind == "variable_declarator" and node.up.kids[0] is node
            ),
            None,
        )
        value = made.up.kids[-1] if made is not None and made.up is not None else None
        if made is None or value is None or value is made:
            return {}
        reader = Reader(self.acquiring, None, self._symbol, self._acquired, [])
        reader.made(Place(made), value, made, how="=")
        for node in nodes:
            if node is not made and not self._shadowed(node, name):
                reader.read(Place(node))
        events = sorted(reader.events, key=lambda event: event.at.start)
        if not any(event.kind is Kind.GROW and event.method for event in events):
            return {}
        return {name: Member(name, events)}

    def _symbol(self, node: N) -> tuple[str, bool]:
        symbol = self.module.symbol_at(node)
        return ("", False) if symbol == "<module>" else (symbol, True)

    def _shadowed(self, node: N, name: str) -> bool:
        """Whether a function around a node has a name of its own like this."""
        function = self.module.around(node)
        while function is not None:
            if name in self.module.declared(function):
                return True
            function = self.module.around(function.node)
        return False


def _may_grow(source: bytes, name: bytes) -> bool:
    """Whether some mention may add to a collection: a cheap look at the bytes behind its name."""
    return any(
        name + sign in source
        for sign in (b".push(", b".set(", b".add(", b".unshift(", b"[", b" = [...", b" = {")
    )


def _value(kid: N) -> N | None:
    """The initial value of a field."""
    values = [
        part
        for part in kid.kids
        if part.kind not in ("accessibility_modifier", "decorator", "type_annotation")
    ]
    return values[-1] if len(values) > 1 else None


def _made(name: str, ending: str) -> Resource:
    """What `new X()` gives, by what ends it."""
    others = (f".{other}" for other in _ENDINGS if other != ending)
    return Resource(
        name, name, (f"new {name}",), (f".{ending}", *others, ".clear"), collected=True, origin="inferred"
    )
