"""Classes and the module itself: their members, and what happens to each.

A regular expression over the bytes finds the members that start as a collection or as a resource (made.py);
the other names are never looked at. Each mention of those is judged by its parents (mentions.py). No tree is
walked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.growing import grows
from repairbot.languages.python.lives import instances, lifetime
from repairbot.languages.python.made import Made, find, lookup_of, method_at
from repairbot.languages.python.mentions import Reader
from repairbot.languages.python.places import Place
from repairbot.languages.python.reach import apart
from repairbot.languages.python.shapes import occurrences
from repairbot.languages.python.syntax import Definition, Module, dotted, span, text
from repairbot.languages.python.vocabulary import GROWS
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Container, Event, Kind, Member, Resource
from repairbot.model import Span, Step

TEARDOWNS: Final = tuple(
    "close aclose stop shutdown disconnect terminate dispose cleanup clean_up teardown tear_down destroy release "
    "async_stop async_close async_shutdown async_will_remove_from_hass stop_all close_all finalize finish quit kill "
    "unload uninstall deinit __exit__ __aexit__ _close _stop _cleanup _shutdown _teardown __del__".split()
)
"""Methods that end an instance's life, the strongest first."""
CONSTRUCTORS: Final = frozenset(
    "__init__ __new__ __post_init__ __init_subclass__ __set_name__ __setstate__ __attrs_post_init__ initialize setup "
    "_setup _init _initialize setUp setUpClass configure from_dict from_json".split()
)
"""Methods that run once for an instance, or so seldom that nothing grows by them."""
TRIGGERS: Final = frozenset(
    word.encode()
    for word in (
        *GROWS,
        "cache",
        "_cache",
        "lru_cache",
        "_locks",
        "_instances",
        "Queue",
        "get",
        "items",
        "self",
    )
)
"""A file with none of these words has nothing that grows."""
_CACHED: Final = regex(
    rb"@((?:functools\.)?(?:lru_cache\([^)\n]*None[^)\n]*\)|cache\b(?!\())(?:\(\))?)[ \t]*\n"
)
_LIMIT: Final = regex(
    rb"\bself\.(_?(?:max|limit|maxlen|maxsize|capacity|window)(?:_\w+)?|\w+_(?:limit|window|size|max|maxlen|maxsize|capacity))"
    rb"(?:[ \t]*:[^=\n]+)?[ \t]*=[^=]"
)
_APPLIED: Final = regex(rb"[<>%\[]|max|min\(|limit|\(self\.[,)]|return self\.[ \t]*$")
"""What stands in a line where a limit is put to use."""
_BOUND: Final = regex(rb"(?:[ \t]*:[^=\n]+)?[ \t]*=[^=]|:[ \t]*\n")
"""What stands behind a local name where it is bound."""


def collect(module: Module, resources: tuple[Resource, ...]) -> list[Container]:
    """The classes and the module of one file, with the members that hold collections or resources."""
    return _Collector(module, find(module, lookup_of(resources))).containers()


class _Collector:
    """The work on one file."""

    def __init__(self, module: Module, made: list[Made]) -> None:
        self.module = module
        self.made = made
        self.owners: dict[str, list[Definition]] = {}
        """Who makes a member of this name on its instances."""
        for item in made:
            if item.owner is not None:
                self.owners.setdefault(item.name, []).append(item.owner)
        self._bound: dict[tuple[int, bytes], str | None] = {}
        self._built: dict[int, frozenset[str]] = {}
        self._found: dict[int, Container] = {}

    def containers(self) -> list[Container]:
        for item in self.made:
            if (member := self.member(item)) is not None:
                self.put(item.owner, member)
        for owner, member in self.cached():
            self.put(owner, member)
        owners = {item.owner.start: item.owner for item in self.made if item.owner is not None}
        for start, container in self._found.items():
            removing = {
                event.method
                for member in container.members.values()
                for event in member.of(Kind.SHRINK, Kind.CLEAR, Kind.INIT)
                if event.method in container.methods and event.method not in CONSTRUCTORS
            }
            if removing and start in owners:
                container.called = self.called(owners[start], removing)
            releasing = {
                event.method
                for member in container.members.values()
                for event in member.of(Kind.RELEASE)
                if event.method in container.methods
            }
            if container.teardowns and releasing.difference(container.teardowns) and start in owners:
                container.apart = apart(self.module, owners[start], releasing, container.teardowns)
        return [self._found[start] for start in sorted(self._found)]

    def put(self, owner: Definition | None, member: Member) -> None:
        start = owner.start if owner is not None else -1
        if start not in self._found:
            self._found[start] = self.container(owner)
        self._found[start].members.setdefault(member.name, member)

    def container(self, owner: Definition | None) -> Container:
        if owner is None:
            at = Span(0, len(self.module.source), 1, self.module.root.end_point[0] + 1, 1)
            return Container(
                "<module>", "module", at, lives="module", evidence=(Step(0, "a module lives for ever"),)
            )
        bases = self.bases(owner)
        methods = {child.name: span(child.node) for child in owner.children if child.kind == "function"}
        lives, evidence = lifetime(owner, bases, self.instances.get(owner.name, 0))
        return Container(
            name=owner.symbol,
            kind="class",
            at=span(owner.node),
            bases=bases,
            methods=methods,
            teardowns=tuple(name for name in TEARDOWNS if name in methods),
            lives=lives,
            evidence=evidence,
            limits=self.limits(owner),
        )

    def limits(self, owner: Definition) -> dict[str, int]:
        """The attributes whose names state a limit that nothing applies, with their lines."""
        found: dict[str, int] = {}
        for match in _LIMIT.finditer(self.module.source, owner.start, owner.end):
            name = match[1]
            if self.applied(name, owner):
                continue
            line = self.module.source.count(b"\n", 0, match.start()) + 1
            found.setdefault(f"self.{name.decode()}", line)
        return found

    def applied(self, name: bytes, owner: Definition) -> bool:
        """Whether an attribute is compared, cut by or handed on, and not only set and shown."""
        source = self.module.source
        for offset in occurrences(source, name, owner.start, owner.end):
            if source[offset - 5 : offset] == b"self.":
                line = source[source.rfind(b"\n", 0, offset) + 1 : source.find(b"\n", offset)]
                if _APPLIED.search(line.replace(name, b"")):
                    return True
        return False

    def called(self, owner: Definition, methods: set[str]) -> tuple[str, ...]:
        """Which of these methods the file calls itself, but for teardowns, constructors and each other."""
        quiet = methods | CONSTRUCTORS | set(TEARDOWNS)
        found = []
        for method in methods:
            for offset in occurrences(self.module.source, method.encode(), 0, len(self.module.source)):
                if self.module.source[offset - 1 : offset] != b".":
                    continue
                caller = method_at(self.module, offset, owner).rpartition(".")[2]
                receiver = self.module.source[max(0, offset - 5) : offset]
                if caller not in quiet and (
                    receiver in (b"self.", b" cls.") or not owner.start <= offset < owner.end
                ):
                    found.append(method)
                    break
        return tuple(found)

    @cached_property
    def instances(self) -> dict[str, int]:
        """The classes of which the module keeps an instance."""
        return instances(self.module)

    def bases(self, owner: Definition) -> tuple[str, ...]:
        """The base classes of a class, as they are written."""
        node = owner.node.child_by_field_name("superclasses")
        found = node.named_children if node is not None else []
        return tuple(text(child).partition("[")[0] for child in found if child.type != "keyword_argument")

    def member(self, item: Made) -> Member | None:
        """All events of one member, None when it is a collection that nothing can make grow."""
        limits = [_bound(self.stored(item, init)) for init in item.inits if _bounded(init)]
        offsets = list(occurrences(self.module.source, item.name.encode(), 0, len(self.module.source)))
        if item.resource is None and not self.may_grow(item, offsets):
            return Member(item.name, [*item.inits, *limits]) if limits else None
        reader = Reader(self.module, item.owner, item.resource)
        for offset in offsets:
            if (place := self.place(item, offset)) is not None:
                reader.read(place)
        for getter in list(reader.getters.values()):
            for place in self.calls(item, getter.name):
                reader.read(place._replace(depth=getter.depth, key=getter.key))
        made = {init.statement.start for init in item.inits if init.statement is not None}
        events = [*(self.placed(item, init) for init in item.inits), *limits]
        events += [
            self.placed(item, event)
            for event in reader.events
            if event.kind is not Kind.INIT or event.statement is None or event.statement.start not in made
        ]
        events.sort(key=lambda event: event.at.start)
        return Member(item.name, events)

    def stored(self, item: Made, init: Event) -> Event:
        """The bound under the name that every method sees: the attribute that keeps a parameter."""
        function = self.module.function_at(init.at.start)
        if function is None or item.owner is None or init.argument not in function.parameters:
            return init
        word = re.escape(init.argument.encode())
        kept = re.search(
            rb"\bself\.(\w+)[^=\n]*=[ \t]*" + word + rb"[ \t]*$",
            self.module.source[function.start : function.end],
            re.M,
        )
        maybe = re.search(
            rb"\b" + word + rb"\b[^,)\n]*\bNone\b", self.module.source[function.start : function.end]
        )
        if kept is None or maybe is not None:
            return init
        return replace(init, argument=f"self.{kept[1].decode()}")

    def may_grow(self, item: Made, offsets: list[int]) -> bool:
        """Whether some mention may add to it: a cheap look at the bytes behind the name."""
        if item.inits and all(init.detail.startswith("Weak") for init in item.inits):
            return False
        return grows(self.module.source, item.name.encode(), offsets, shared=item.shared)

    def placed(self, item: Made, event: Event) -> Event:
        """The event with its method, and whether it happens again and again."""
        method = method_at(self.module, event.at.start, item.owner)
        again = event.repeats
        if method and not again:
            again = (item.shared and event.kind is not Kind.INIT) or method not in self.constructors(
                item.owner
            )
        detail = event.detail
        if event.kind is Kind.INIT and detail == "?":
            function = self.module.function_at(event.at.start)
            given = function is not None and event.argument in function.parameters
            detail = "parameter" if given else _kind_of(event.argument)
        return replace(event, method=method, repeats=again, detail=detail)

    def constructors(self, owner: Definition | None) -> frozenset[str]:
        """The constructors of a class and what only they call."""
        if owner is None:
            return frozenset()
        if owner.start not in self._built:
            built: set[str] = set(CONSTRUCTORS)
            helpers = [
                child for child in owner.children if child.name.startswith("_") and child.name not in built
            ]
            for helper in helpers:
                callers = {
                    method_at(self.module, offset, owner)
                    for offset in occurrences(
                        self.module.source, helper.name.encode(), owner.start, owner.end
                    )
                    if self.module.source[offset - 1 : offset] == b"."
                }
                if callers and callers <= built:
                    built.add(helper.name)
            self._built[owner.start] = frozenset(built)
        return self._built[owner.start]

    # Which mentions are the member's

    def place(self, item: Made, offset: int) -> Place | None:
        """The expression at an offset when it is this member, else None."""
        end = offset + len(item.name)
        inside = item.owner is not None and item.owner.start <= offset < item.owner.end
        root = item.owner.node if inside and item.owner is not None else self.module.root
        node = root.descendant_for_byte_range(offset, end)
        if node is None:
            return None
        if node.type == "string_content":
            return self.named(node)
        parent = node.parent
        if node.type != "identifier" or parent is None:
            return None
        attribute = parent.type == "attribute" and parent.child_by_field_name("attribute") == node
        if item.owner is None:
            return Place(node) if not attribute and self.is_global(node, parent, item.name) else None
        if not attribute:
            return Place(node) if item.shared and self.module.definition_at(offset) is item.owner else None
        receiver = dotted(parent.child_by_field_name("object"))
        if receiver in ("self", "cls", "type()", "self.__class__"):
            return Place(parent) if self.belongs(item, offset) else None
        if receiver == item.owner.name:
            return Place(parent)
        others = [owner for owner in self.owners.get(item.name, []) if owner is not item.owner]
        elsewhere = self.module.imports.get(receiver.partition(".")[0]) is not None
        return None if others or elsewhere or not receiver else Place(parent, alias=True)

    def belongs(self, item: Made, offset: int) -> bool:
        """Whether `self` at an offset is of the member's class, a subclass or a base of it."""
        owner = self.module.class_at(offset)
        if owner is None or item.owner is None:
            return False
        if owner is item.owner:
            return True
        if owner in self.owners.get(item.name, []):
            return False
        return item.owner.name in self.bases(owner) or owner.name in self.bases(item.owner)

    def is_global(self, node: Node, parent: Node, name: str) -> bool:
        """Whether an identifier is the module's name and not a local, a parameter or a keyword."""
        if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
            return False
        if parent.type in ("parameters", "global_statement", "dotted_name", "import_from_statement"):
            return False
        if (
            parent.type in ("default_parameter", "typed_default_parameter")
            and parent.child_by_field_name("name") == node
        ):
            return False
        function = self.module.function_at(node.start_byte)
        while function is not None:
            if name in function.parameters:
                return False
            bound = self.bound_in(function, name.encode())
            if bound is not None:
                return bound == "global"
            current = function.parent
            while current is not None and current.kind != "function":
                current = current.parent
            function = current
        return True

    def bound_in(self, function: Definition, word: bytes) -> str | None:
        """How a function binds a name: "global", "local" or not at all."""
        key = (function.start, word)
        if key not in self._bound:
            source, found = self.module.source, None
            for offset in occurrences(source, word, function.start, function.end):
                before = source[source.rfind(b"\n", 0, offset) + 1 : offset].lstrip()
                if before.startswith(b"global "):
                    found = "global"
                    break
                end = offset + len(word)
                if (before.startswith(b"for ") and b" in " not in before) or (
                    (not before or before.endswith((b" as ", b", "))) and _BOUND.match(source, end)
                ):
                    found = "local"
            self._bound[key] = found
        return self._bound[key]

    def named(self, content: Node) -> Place | None:
        """`getattr(self, "name")`."""
        string = content.parent
        arguments = string.parent if string is not None else None
        call = arguments.parent if arguments is not None else None
        if call is None or call.type != "call" or text(call.child_by_field_name("function")) != "getattr":
            return None
        return Place(call)

    def calls(self, item: Made, getter: str) -> Iterator[Place]:
        """The calls of a method that returns the member (or the mentions of such a property)."""
        for offset in occurrences(self.module.source, getter.encode(), 0, len(self.module.source)):
            if self.module.source[offset - 1 : offset] != b".":
                continue
            node = self.module.root.descendant_for_byte_range(offset, offset + len(getter))
            parent = node.parent if node is not None else None
            if parent is None or parent.type != "attribute":
                continue
            outer = parent.parent
            called = (
                outer is not None and outer.type == "call" and outer.child_by_field_name("function") == parent
            )
            yield Place(outer if called and outer is not None else parent, alias=True)

    # What is no collection of this class

    def cached(self) -> Iterator[tuple[Definition | None, Member]]:
        """Functions under a cache without a bound; that of a method keeps every object it was called on, too."""
        for match in _CACHED.finditer(self.module.source) if b"cache" in self.module.source else ():
            node = self.module.root.descendant_for_byte_range(match.start(1), match.end(1))
            while node is not None and node.type != "decorated_definition":
                node = node.parent
            inner = node.child_by_field_name("definition") if node is not None else None
            function = self.module.definition_at(inner.start_byte) if inner is not None else None
            if node is None or inner is None or function is None or not function.parameters:
                continue
            given = text(inner.child_by_field_name("parameters")).strip("()")
            if function.owner is not None:
                plain = {text(decorator) for decorator in function.decorators}
                if plain & {"staticmethod", "classmethod"} or function.parameters[0] != "self":
                    continue
                given = given.partition(",")[2].strip()
            elif function.parent is not None:
                continue  # its cache goes with the function around it
            decorator = next(d for d in function.decorators if d.start_byte == match.start(1))
            event = Event(
                kind=Kind.INIT,
                method=function.name,
                at=span(decorator),
                how="decorator",
                detail="cache",
                argument=given,
                statement=span(node),
            )
            yield function.owner, Member(function.name, [event])


def _bounded(init: Event) -> bool:
    if init.argument in ("", "filled"):
        return init.detail.startswith("Weak")
    return init.detail.startswith(("Weak", "deque", "queue", "defaultdict("))


def _bound(init: Event) -> Event:
    if init.detail.startswith("defaultdict("):
        return replace(init, kind=Kind.BOUND, how="deque", depth=1)
    return replace(init, kind=Kind.BOUND, how=init.detail)


def _kind_of(value: str) -> str:
    """What a member is set to, besides its first collection or resource."""
    if value in ("[]", "list()"):
        return "list"
    if value in ("{}", "dict()"):
        return "dict"
    return "call" if value.endswith(")") else "value"
