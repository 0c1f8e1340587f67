"""What the containers of one Zig file own: members that are made here, forgotten by a teardown, or written over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import Final

from repairbot.languages.zig.acquiring import Acquiring
from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.summaries import Oracle
from repairbot.languages.zig.syntax import Definition, Field, Module, Struct
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Container, Event, Kind, Member, Resource
from repairbot.model import Span

_TEARDOWNS: Final = (
    "deinit",
    "destroy",
    "deinitAndDestroy",
    "handleDestroy",
    "shutdown",
    "close",
    "free",
    "uninit",
)
_FIRST: Final = re.compile(
    r"^(?:init|create|new|open|start|setup|set_up|load|parse|build|from|main|run|make|clone|copy|dupe|reset|alloc|begin|prepare|extract|restore|deserialize|attach"
    r"|connect|read|handle[A-Z]\w*Init|configure|register|ensure|get|deinit|destroy|move|swap|resolve|expand|add|append|push|insert)",
    re.IGNORECASE,
)
"""Functions that make a value, or run once in its life."""
_RELEASE: Final = (
    r"(?:deinit\w*|destroy|close|release|unref|deref|clearAndFree|toOwned\w*|join|stop|kill|reset|moveToUnmanaged"
    r"|move|finish)"
)
_COUNTED: Final = re.compile(r"\b(?:ref_?count|refs|rc|acquireRef|retain)\b")


@dataclass(slots=True)
class Store:
    """A value that this function made goes into a member: of `struct`, or of something that `root` names.

    `target`: as written ("app.editor"). `fresh`: the whole is made here as well.
    """

    struct: Struct | None
    owner: str
    field: str
    target: str
    resource: Resource
    made: Span
    statement: Span
    definition: Definition
    fresh: bool
    copied: bool = False
    """The new value is a copy of the old one, which is there for certain."""
    guessed: bool = False
    """What it is made as is known by the look of its constructor alone."""


@dataclass(slots=True)
class _Seen:
    """The members of one container that are known to be owned."""

    container: Container
    stores: dict[str, list[Store]] = field(default_factory=dict)


class Members:
    """Collects what functions store and judges it against the teardowns."""

    def __init__(self, module: Module, acquiring: Acquiring, oracle: Oracle) -> None:
        self.module, self.acquiring, self.oracle = module, acquiring, oracle
        self.stores: list[Store] = []
        self._text = module.source.decode("utf-8", "replace")
        self._bodies: dict[int, str] = {}

    def collect(self) -> list[Container]:
        """One container for each struct (or unknown owner) with something to say."""
        found = [
            container for struct in self.module.structs if (container := self._struct(struct)) is not None
        ]
        found.extend(self._overwritten())
        return found

    # Teardowns

    def _struct(self, struct: Struct) -> Container | None:
        teardown = next((struct.functions[name] for name in _TEARDOWNS if name in struct.functions), None)
        if teardown is None or not teardown.parameters or not teardown.method or teardown.body_node is None:
            return None
        name = teardown.parameters[0].name
        body = self._reached(struct, teardown)
        if not re.search(rf"\b{_RELEASE}\s*\(|\bfree\w*\(|\bdestroy\w*\(", body):
            return None
        fields = list(struct.fields(self.module))
        released = {item.name for item in fields if self._mentioned(body, name, item.name)}
        container = Container(
            struct.symbol or struct.name,
            "struct",
            self.module.span(struct.node.start_byte, struct.node.start_byte + 1),
            methods={teardown.name: self.module.span(teardown.node.start_byte, teardown.node.end_byte)},
            teardowns=(teardown.name,),
            lives="unknown",
        )
        at = self.module.span(teardown.node.start_byte, teardown.node.end_byte)
        for item in fields:
            made = self._made(struct, item, teardown, name, body)
            if made is not None:
                made = replace(
                    made, statement=self.module.span(teardown.node.end_byte - 1, teardown.node.end_byte)
                )
            if made is not None:
                container.members[item.name] = Member(item.name, [made])
            elif item.name in released:
                event = Event(Kind.RELEASE, teardown.name, self._release_at(teardown, name, item.name) or at)
                container.members[item.name] = Member(item.name, [event])
        if not any(member.of(Kind.INIT) for member in container.members.values()):
            return None
        return container

    def _release_at(self, teardown: Definition, name: str, member: str) -> Span | None:
        start = teardown.node.start_byte
        match = re.search(rf"\b{re.escape(name)}\.{re.escape(member)}\b".encode(), teardown.node.text or b"")
        return self.module.span(start + match.start(), start + match.end()) if match else None

    def _body(self, definition: Definition) -> str:
        """A function's text without comments."""
        key = definition.node.start_byte
        if key not in self._bodies:
            text = (definition.node.text or b"").decode("utf-8", "replace")
            self._bodies[key] = re.sub(r"//[^\n]*", "", text)
        return self._bodies[key]

    def _reached(self, struct: Struct, teardown: Definition) -> str:
        """The text of a teardown and of the functions of its container that it calls on the same value."""
        seen, waiting, parts = {teardown.name}, [teardown], []
        top = teardown.parameters[0].name
        while waiting:
            definition = waiting.pop()
            body = self._body(definition)
            name = definition.parameters[0].name if definition.parameters else top
            parts.append(re.sub(rf"\b{re.escape(name)}\b", top, body) if name != top else body)
            for called in re.findall(rf"\b{re.escape(name)}\.(\w+)\(", body):
                found = struct.functions.get(called)
                if found is not None and called not in seen:
                    seen.add(called)
                    waiting.append(found)
        return "\n".join(parts)

    def _mentioned(self, body: str, name: str, member: str) -> bool:
        return bool(re.search(rf"\b{re.escape(name)}(?:\.\*)?\.{re.escape(member)}\b", body))

    def _made(self, struct: Struct, item: Field, teardown: Definition, name: str, body: str) -> Event | None:
        """The event that makes a member which the teardown forgets."""
        if re.search(rf"@field\(|\b{re.escape(name)}\.\*\s*[,;)]|inline for", body):
            return None  # released by a loop over all members, or moved away whole
        if _COUNTED.search(item.name):
            return None
        store = next(
            (
                each
                for each in self.stores
                if each.struct is struct and each.field == item.name and not each.copied and not each.guessed
            ),
            None,
        )
        resource: Resource | None = None
        at, method = item.at, ""
        if store is not None:
            resource, at, method = store.resource, store.made, store.definition.name
        kind = self.acquiring.kind(item.type).partition("(")[0]
        listed = kind in callees().managed or kind in callees().unmanaged
        if listed and "Arena" not in kind and not item.type.startswith("*"):
            resource = Resource("container", "container", ("init",), (".deinit",), collected=False)
        if resource is None or self._elsewhere(struct, item, teardown):
            return None
        if listed and self._released_list(body, name, item.name):
            return None
        if not listed and self._mentioned(body, name, item.name):
            return None
        release = self._release(struct, item, resource, teardown, name, body, listed)
        if release is None:
            return None
        made = replace(resource, release=(release,))
        return Event(
            Kind.INIT, method, at, how="made", detail="made", resource=made, target=f"{name}.{item.name}"
        )

    def _released_list(self, body: str, name: str, member: str) -> bool:
        """Whether a list itself is released or handed on whole, and not its elements alone."""
        place = rf"\b{re.escape(name)}\.{re.escape(member)}"
        return bool(
            re.search(rf"{place}(?:\.\?)?\.{_RELEASE}\s*\(|{place}\s*[,;)|]|{place}\)?\s*\|", body)
            or re.search(rf"&{place}\b(?!\.)", body)
        )

    def _elsewhere(self, struct: Struct, item: Field, teardown: Definition) -> bool:
        """Whether other code may release the member, or it may come from outside."""
        member = re.escape(item.name)
        own = self._body(teardown)
        for match in re.finditer(
            rf"\.{member}(?:\.\?|\.\*)?\.{_RELEASE}\s*\(|\b(?:free|destroy)\w*\([^()\n]*\.{member}\b(?!\.\w)|\.{member}\)\s*\|\*?\w+\|\s*\{{?\s*"
            rf"(?:[\w.]*\.)?(?:free|destroy|\w+\.deinit)",
            self._text,
        ):
            if match.group() not in own:
                return True
        from_parameter = False
        for definition in struct.functions.values():
            names = "|".join(re.escape(each.name) for each in definition.parameters if each.name)
            if names and re.search(rf"\.{member}\s*=\s*(?:{names})\s*[,;\n}}]", self._body(definition)):
                from_parameter = True
        return from_parameter

    def _release(
        self,
        struct: Struct,
        item: Field,
        resource: Resource,
        teardown: Definition,
        name: str,
        body: str,
        listed: bool,
    ) -> str | None:
        """The statement that releases a member in a teardown, {} for the member; None where that is not known."""
        own = resource.release[0]
        optional = item.type.strip().startswith("?")
        if listed:
            kind = self.acquiring.kind(item.type).partition("(")[0]
            given = self._given(item.name)
            if given is None:
                return None
            if given == "" and kind not in callees().managed:
                return None
            allocator = self._allocator(struct, teardown, name, body) if given else ""
            if given and not allocator:
                return None
            call = f".deinit({allocator})"
        elif own.endswith((".free", ".destroy")):
            allocator = self._allocator(struct, teardown, name, body)
            if not allocator:
                return None
            verb = own.rpartition(".")[2]
            return f"if ({{}}) |value| {allocator}.{verb}(value)" if optional else f"{allocator}.{verb}({{}})"
        elif own.startswith("."):
            call = own if own.endswith(")") else f"{own}()"
            inner = re.search(r"\(([^()]+(?:\(\))?)\)$", call)
            if inner and self.acquiring.allocators.is_one(inner.group(1)):
                allocator = self._allocator(struct, teardown, name, body)
                if not allocator:
                    return None
                call = f"{call.partition('(')[0]}({allocator})"
        else:
            return f"if ({{}}) |value| {own}(value)" if optional else f"{own}({{}})"
        return f"if ({{}}) |*value| value{call}" if optional else f"{{}}{call}"

    def _given(self, member: str) -> str | None:
        """The allocator that a member's growth is given: "" for a managed one, None for none at all or an arena's."""
        grows = "|".join(sorted(callees().grows))
        found: str | None = None
        for match in re.finditer(rf"\.{re.escape(member)}\.(?:{grows})\(\s*([\w.?]+(?:\(\))?)?", self._text):
            first = match.group(1) or ""
            if self.acquiring.allocators.is_one(first):
                if self.acquiring.allocators.is_arena(first):
                    return None
                return first
            found = ""
        if found == "" and re.search(
            rf"\.{re.escape(member)}\s*=\s*[^,;\n]*(?:arena|fba)", self._text, re.IGNORECASE
        ):
            return None
        return found

    def _allocator(self, struct: Struct, teardown: Definition, name: str, body: str) -> str:
        """The allocator that a teardown has at hand: the one its other releases use, a parameter, a member."""
        used = re.findall(r"([\w.]+)\.(?:free|destroy)\(|\.deinit\(([\w.]+)\)", self._body(teardown))
        for pair in used:
            for shown in pair:
                if shown and self.acquiring.allocators.is_one(shown):
                    return "" if self.acquiring.allocators.is_arena(shown) else str(shown)
        for parameter in teardown.parameters[1:]:
            if "Allocator" in parameter.type:
                return "" if self.acquiring.allocators.is_arena(parameter.name) else parameter.name
        for each in struct.fields(self.module):
            if re.search(r"\bAllocator\b", each.type) and "Arena" not in each.type:
                return "" if self.acquiring.allocators.is_arena(each.name) else f"{name}.{each.name}"
        return ""

    # Written over

    def _overwritten(self) -> Iterator[Container]:
        """Members that get a new value while they may hold an old one."""
        seen: dict[str, Container] = {}
        for store in self.stores:
            if store.fresh or not self._replaces(store):
                continue
            name = store.struct.symbol or store.struct.name if store.struct else store.owner
            container = seen.get(name)
            if container is None:
                container = seen[name] = Container(name, "struct", store.statement, lives="long")
            member = container.members.setdefault(store.field, Member(store.field))
            released = self._release_of(store)
            if released is None:
                continue
            event = Event(
                Kind.INIT,
                store.definition.name,
                store.made,
                how="assigned",
                detail="guessed" if store.guessed or not (store.copied or self._typed(store)) else "made",
                repeats=True,
                resource=replace(store.resource, release=(released,)),
                statement=store.statement,
                target=store.target,
            )
            member.events.append(event)
        for container in seen.values():
            if any(member.events for member in container.members.values()):
                yield container

    def _replaces(self, store: Store) -> bool:
        """Whether an assignment drops what stood there, for all that its function shows."""
        if store.copied:
            return True
        definition = store.definition
        if _FIRST.match(definition.name) or definition.name in _TEARDOWNS:
            return False
        target = re.escape(store.target)
        body = (definition.node.text or b"").decode("utf-8", "replace")
        before = self.module.source[definition.node.start_byte : store.statement.start].decode(
            "utf-8", "replace"
        )
        before = re.sub(r"//[^\n]*", "", before)
        if re.search(
            rf"{target}(?:\.\?|\.\*)?\.{_RELEASE}\s*\(|[(,&]\s*{target}\s*[,)]|{target}\s*(?:==|!=|orelse|\)\s*\|)|=\s*&?{target}\s*;"
            rf"|{target}\s*=(?!=)",
            before,
        ):
            return False
        after = body[len(before) :]
        if re.search(rf"defer[^;]*{target}\b|{target}\s*=\s*null\s*;", after):
            return False
        if not re.search(rf"{target}\b", before):
            return True
        return self._freed(store)

    def _freed(self, store: Store) -> bool:
        """Whether this file releases such a member somewhere."""
        member = re.escape(store.field)
        return bool(
            re.search(
                rf"\.{member}(?:\.\?|\.\*)?\.{_RELEASE}\s*\(|\b(?:free|destroy)\([^()\n]*\.{member}\)",
                self._text,
            )
        )

    def _typed(self, store: Store) -> str:
        """The text of the member's type, where this file holds it."""
        return self.oracle.field_type(store.struct, store.field) if store.struct is not None else ""

    def _release_of(self, store: Store) -> str | None:
        """The release of the old value, {} for it: as an optional where the type says so, or where it is not known."""
        own = store.resource.release[0]
        typed = self._typed(store)
        optional = typed.startswith("?") if typed else not store.copied
        if own.startswith("."):
            call = own if own.endswith(")") else f"{own}()"
            return f"if ({{}}) |*value| value{call}" if optional else f"{{}}{call}"
        return f"if ({{}}) |value| {own}(value)" if optional else f"{own}({{}})"


__all__ = ["Members", "Store"]
