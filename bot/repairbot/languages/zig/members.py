"""What the containers of one Zig file own: members that are made here, forgotten by a teardown, or written over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Final

from repairbot.languages.zig.acquiring import Acquiring
from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.kept import Kept
from repairbot.languages.zig.summaries import Oracle
from repairbot.languages.zig.syntax import Definition, Field, Module, Struct
from repairbot.languages.zig.words import has_word, word_ends
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
_ENDS: Final = re.compile(rf"\b{_RELEASE}\s*\(|\bfree\w*\(|\bdestroy\w*\(")
_WHOLE: Final = re.compile(r"@field\(|inline for")
_MOVED: Final = re.compile(r"\b(\w+)\.\*\s*[,;)]")
_NAMED: Final = re.compile(r"\b(\w+)(?=(?:\.\*)?\.(\w+))")
_CALLED: Final = re.compile(r"\b(\w+)\.(\w+)\(")
_COMMENT: Final = re.compile(r"//[^\n]*")
_ENDED: Final = re.compile(rf"(?:\.\?|\.\*)?\.{_RELEASE}\s*\(")
"""Behind a member: it is released."""
_GIVEN: Final = re.compile(r"\b(?:free|destroy)\w*\([^()\n]*$")
"""Ahead of a member: it is handed to a release."""
_LOOPED: Final = re.compile(r"\)\s*\|\*?\w+\|\s*\{?\s*(?:[\w.]*\.)?(?:free|destroy|\w+\.deinit)")
_ASSIGNED: Final = re.compile(r"\s*=\s*(\w+)\s*[,;\n}]")
_HANDED: Final = re.compile(r"\s*[,;)|]|\)?\s*\|")
_FROM_ARENA: Final = re.compile(r"\s*=\s*[^,;\n]*(?:arena|fba)", re.IGNORECASE)
_ASKED: Final = re.compile(rf"(?:\.\?|\.\*)?\.{_RELEASE}\s*\(|\s*(?:==|!=|orelse|\)\s*\|)|\s*=(?!=)")
"""Behind what is written over: it was looked at, released or set before."""
_GONE: Final = re.compile(r"(?:\.[?*])*\.(?:state\b|detach\(|move\w*\(|unmanaged\b|toOwned\w*\()")
"""Behind a member: what it holds has another owner from there on, or none."""
_CAPTURED: Final = re.compile(r"\)\s*\|\*?(\w+)\|")
_NEAR: Final = 300
_DETACHED: Final = re.compile(r"(?:\.[?*])*\.detach\(")
_NULLED: Final = re.compile(r"\s*=\s*null\s*;")
_COUNTED: Final = re.compile(r"\b(?:ref_?count|refs|rc|acquireRef|retain)\b")


@cache
def _growth() -> re.Pattern[str]:
    """Behind a member: a method by which it grows, and its first argument."""
    grows = "|".join(sorted(callees().grows))
    return re.compile(rf"\.(?:{grows})\(\s*([\w.?]+(?:\(\))?)?")


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


class Members:
    """Collects what functions store and judges it against the teardowns."""

    def __init__(self, module: Module, acquiring: Acquiring, oracle: Oracle) -> None:
        self.module, self.acquiring, self.oracle = module, acquiring, oracle
        self.stores: list[Store] = []
        self._kept = Kept(module, acquiring)
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
        if not _ENDS.search(body):
            return None
        fields = struct.fields(self.module)
        released = self._named(body, name)
        container = Container(
            struct.symbol or struct.name,
            "struct",
            self.module.span(struct.node.start_byte, struct.node.start_byte + 1),
            methods={teardown.name: self.module.span(teardown.node.start_byte, teardown.node.end_byte)},
            teardowns=(teardown.name,),
            lives="unknown",
        )
        at = self.module.span(teardown.node.start_byte, teardown.node.end_byte)
        safe = {member: why for member, _, why in self._kept.members(struct, teardown)}
        for item in fields:
            made = self._made(struct, item, teardown, name, body)
            if made is not None:
                made = replace(
                    made, statement=self.module.span(teardown.node.end_byte - 1, teardown.node.end_byte)
                )
            if made is not None:
                container.members[item.name] = Member(item.name, [made])
            elif item.name in released:
                place = self._release_at(teardown, name, item.name) or at
                event = Event(Kind.RELEASE, teardown.name, place, certain=safe.get(item.name, ""))
                container.members[item.name] = Member(
                    item.name, [Event(Kind.INIT, "", item.at, how="field"), event]
                )
        spoken = (event for member in container.members.values() for event in member.events)
        return container if any(event.resource is not None or event.certain for event in spoken) else None

    def _release_at(self, teardown: Definition, name: str, member: str) -> Span | None:
        start = teardown.node.start_byte
        shown = teardown.text
        end = next(word_ends(shown, f"{name}.{member}".encode()), 0)
        return self.module.span(start + end - len(name) - len(member) - 1, start + end) if end else None

    def _body(self, definition: Definition) -> str:
        """A function's text without comments."""
        key = definition.node.start_byte
        if key not in self._bodies:
            text = definition.text.decode("utf-8", "replace")
            self._bodies[key] = _COMMENT.sub("", text)
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
            for owner, called in _CALLED.findall(body):
                found = struct.functions.get(called) if owner == name else None
                if found is not None and called not in seen:
                    seen.add(called)
                    waiting.append(found)
        return "\n".join(parts)

    def _named(self, body: str, name: str) -> set[str]:
        """The members of `name` that a text speaks of."""
        return {member for owner, member in _NAMED.findall(body) if owner == name}

    def _made(self, struct: Struct, item: Field, teardown: Definition, name: str, body: str) -> Event | None:
        """The event that makes a member which the teardown forgets."""
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
        if has_word(teardown.text, item.name.encode()) and not has_word(self._body(teardown), item.name):
            return None  # a comment says why it is left alone
        if _WHOLE.search(body) or name in _MOVED.findall(body):
            return None  # released by a loop over all members, or moved away whole
        if listed and self._released_list(body, name, item.name):
            return None
        if not listed and item.name in self._named(body, name):
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
        place = f"{name}.{member}"
        for end in word_ends(body, place):
            lent = body[: end - len(place)].endswith("&") and not body.startswith(".", end)
            if lent or _ENDED.match(body, end) or _HANDED.match(body, end):
                return True
        return False

    def _elsewhere(self, struct: Struct, item: Field, teardown: Definition) -> bool:
        """Whether other code may release the member, or it may come from outside."""
        own = self._body(teardown)
        for start, end in self._mentions(item.name):
            text = self._text
            behind = _ENDED.match(text, end) or _LOOPED.match(text, end)
            if behind is not None and text[start : behind.end()] not in own:
                return True
            if _DETACHED.match(text, end):
                return True
            captured = _CAPTURED.match(text, end)
            if captured is not None and text[start : captured.end()] not in own:
                ended = rf"\b{captured[1]}\.(?:{_RELEASE}|join|detach)\(|\.(?:free|destroy)\({captured[1]}\)"
                if re.search(ended, text[captured.end() : captured.end() + _NEAR]):
                    return True
            line = text[text.rfind("\n", 0, start) + 1 : start]
            ahead = _GIVEN.search(line) if not text.startswith(".", end) else None
            if ahead is not None and line[ahead.start() :] + text[start:end] not in own:
                return True
        for definition in struct.functions.values():
            names = {each.name for each in definition.parameters}
            body = self._body(definition)
            for end in word_ends(body, f".{item.name}"):
                match = _ASSIGNED.match(body, end)
                if match and match.group(1) in names:
                    return True
        return False

    def _mentions(self, member: str) -> Iterator[tuple[int, int]]:
        """Where the file names a member of that name, the dot included."""
        size = len(member) + 1
        for end in word_ends(self._text, f".{member}"):
            yield end - size, end

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
        found: str | None = None
        places = [end for _, end in self._mentions(member)]
        for end in places:
            match = _growth().match(self._text, end)
            if match is None:
                continue
            first = match.group(1) or ""
            if self.acquiring.allocators.is_one(first):
                return None if self.acquiring.allocators.is_arena(first) else first
            found = ""
        if found == "" and any(_FROM_ARENA.match(self._text, end) for end in places):
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
            if store.fresh or not self.replaces(store):
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

    def replaces(self, store: Store) -> bool:
        """Whether an assignment drops what stood there, for all that its function shows."""
        if store.copied:
            return True
        definition = store.definition
        if store.struct is not None and self._undefined(store.struct, store.field):
            return False
        if _FIRST.match(definition.name) or definition.name in _TEARDOWNS:
            return False
        target = store.target
        start = definition.node.start_byte
        body = definition.text.decode("utf-8", "replace")
        before = self.module.source[start : store.statement.start].decode("utf-8", "replace")
        after = body[len(before) :]
        before = _COMMENT.sub("", before)
        places = list(word_ends(before, target))
        for end in places:
            ahead = before[: end - len(target)].rstrip()
            handed = ahead[-1:] in ("(", ",", "&") and before[end:].lstrip()[:1] in (",", ")")
            lent = ahead.rstrip("&").rstrip().endswith("=") and before[end:].lstrip().startswith(";")
            if handed or lent or _ASKED.match(before, end) or _GONE.match(before, end):
                return False
        for end in word_ends(after, target):
            statement = after[after.rfind(";", 0, end) + 1 : end]
            if "defer" in statement or _NULLED.match(after, end) or _GONE.match(after, end):
                return False
        if self._emptied(store, before):
            return False
        return not places or self._freed(store)

    def _undefined(self, struct: Struct, field: str) -> bool:
        """Whether a member holds nothing that may be looked at until it is set first."""
        return any(item.name == field and item.default == "undefined" for item in struct.fields(self.module))

    def _emptied(self, store: Store, before: str) -> bool:
        """Whether a method that is called first releases the member (`self.clear();`)."""
        root = store.target.rpartition(".")[0]
        if re.search(rf"\b{re.escape(root)}\.(?:reset|clear|deinit|free|release|empty)\w*\(", before):
            return True
        functions = (store.struct or store.definition.owner).functions
        for owner, called in _CALLED.findall(before):
            found = functions.get(called) if owner == root else None
            if found is None:
                continue
            body = self._body(found)
            for end in word_ends(body, f".{store.field}"):
                if _ENDED.match(body, end) or _NULLED.match(body, end):
                    return True
        return False

    def _freed(self, store: Store) -> bool:
        """Whether this file releases such a member somewhere."""
        text = self._text
        for start, end in self._mentions(store.field):
            line = text[text.rfind("\n", 0, start) + 1 : start]
            if _ENDED.match(text, end) or (text.startswith(")", end) and _GIVEN.search(line)):
                return True
        return False

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
