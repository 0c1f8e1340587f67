"""Lowers the calls of one Zig function: what they acquire, release, borrow, keep and hand on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from repairbot.languages.zig.acquiring import CONTAINER, ITEMS, Acquiring, member_of, shape
from repairbot.languages.zig.callees import ENDS, RELEASES, STRONG, TAKEN, among, callees
from repairbot.languages.zig.idioms import key_again
from repairbot.languages.zig.idle import stored
from repairbot.languages.zig.prospects import Prospects
from repairbot.languages.zig.summaries import Oracle
from repairbot.languages.zig.syntax import Definition, Struct
from repairbot.languages.zig.tree import N
from repairbot.languages.zig.values import NOTHING, TRY, Undecided, Value, Values, inside, union
from repairbot.languages.zig.words import has_word
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Effect, Idiom, Kind, Resource

_SCALAR: Final = re.compile(r"^(?:bool|void|noreturn|[uif]\d+|[ui]size|c_\w+|comptime_\w+|anyerror|type)$")
_COUNTS: Final = re.compile(
    r"^(?:parse(?:Int|Float|Unsigned)|eql\w*|startsWith\w*|endsWith\w*|indexOf\w*|lastIndexOf\w*|count|len|hash\w*|order|read\w*|write\w*"
    r"|print|contains\w*|is[A-Z]\w*|has[A-Z]\w*|lessThan|cmp|compare|append\w*|put\w*|ensure\w*|resize|insert\w*|clear\w*|shrink\w*|capacity"
    r"|getEndPos|getPos|stat|seek\w*|sync|expect\w*|log|debug|info|warn|err|sort\w*|copy\w*|set|reverse|isAbsolute|kill|wait|size"
    r"|spawn|pread\w*|pwrite\w*|remove|swapRemove\w*|orderedRemove\w*|submit|start|stop|flush|max|min|validate\w*)$"
)
"""Names of callees whose result does not look into what they were given."""
_BEGINS: Final = re.compile(r"^(?:submit|start|spawn|launch|send|post|enqueue|schedule|dispatch)")
"""Names of methods after which a value may live on by itself."""
_POOL: Final = re.compile(r"pool\w*$", re.IGNORECASE)
_TAKES: Final = re.compile(r"^(?:acquire|take|borrow|checkout|obtain|rent|lease|get|create)\w*$")
_ROOT: Final = re.compile(r"\w*")
_FREES: Final = re.compile(r"\b(?:deinit|free|destroy|close|release|unref|deref|dispose)\w*\(")
_EMPTYING: Final = re.compile(r"^toOwned(?:Slice\w*)?$")


@dataclass(slots=True)
class Growing:
    """A local container that takes memory when it first grows. `at`: its declaration."""

    node: N
    statement: tuple[int, int]
    resource: Resource


class Calls(Values):
    """The part of a function's lowering that handles calls."""

    def __init__(
        self,
        acquiring: Acquiring,
        oracle: Oracle,
        prospects: Prospects,
        definition: Definition,
        *,
        brief: bool = False,
    ) -> None:
        super().__init__(acquiring, prospects, definition, brief=brief)
        self.oracle = oracle
        self.lists: dict[str, Growing] = {}
        self.told: dict[str, str] = {}
        """What calls that made something were given by its address, and what they made."""
        self._unanswered = oracle.unanswered
        self.expected = ""
        """The text of the type that the context gives the value."""

    def undecided(self) -> None:
        """See Values. Who may be seen to keep it elsewhere in the function is looked at to the end."""
        if self.oracle.unanswered == self._unanswered and not any(
            stored(self.definition.text, name.encode()) for name in self.followed
        ):
            raise Undecided

    def evaluate(
        self, node: N | None, into: str = "", fail: int | None = None, null: int | None = None
    ) -> Value:
        """Lower an expression; see Expressions."""
        raise NotImplementedError

    # Who is called

    def type_of(self, node: N | None) -> str:
        """The text of an expression's type, as far as this file tells; ""."""
        if node is None:
            return ""
        if node.kind == "name":
            place = self.scope.get(node.text)
            if place is not None:
                return self.typed(place)
            return node.text if self.module.struct(node.text) is not None else ""
        if node.kind in ("deref", "unwrap", "try"):
            return self.type_of(node.parts[0])
        if node.kind == "field":
            struct = self.struct_of(self.type_of(node.first))
            return self.oracle.field_type(struct, node.text) if struct is not None else ""
        if node.kind == "call":
            found = self.resolve(node.first)
            return found.returns.rpartition("!")[2] if found is not None else ""
        if node.kind == "builtin" and node.text == "@This":
            return self.definition.owner.name
        return ""

    def struct_of(self, typed: str) -> Struct | None:
        """The container of this file that a type's text names."""
        bare = typed.strip().lstrip("?*& ").removeprefix("const ").strip()
        if bare in ("Self", "@This()", *self.definition.owner.aliases):
            return self.definition.owner
        return self.module.struct(bare) if bare else None

    def resolve(self, callee: N) -> Definition | None:
        """The function of this file that a callee names."""
        receiver, method = member_of(callee)
        if callee.kind == "enum":
            struct = self.struct_of(self.expected)
            return struct.functions.get(method) if struct is not None else None
        if receiver is None:
            if method in self.scope:
                return None
            owner: Struct | None = self.definition.owner
            while owner is not None:
                if method in owner.functions:
                    return owner.functions[method]
                owner = owner.parent
            return None
        typed = self.type_of(receiver)
        struct = self.struct_of(typed) if typed else None
        if struct is None and receiver.kind == "name" and receiver.text not in self.scope:
            struct = self.struct_of(receiver.text)
        return struct.functions.get(method) if struct is not None else None

    def is_arena(self, shown: str) -> bool:
        """Whether an allocator's memory is released with its arena."""
        root = _ROOT.match(shown)
        place = self.scope.get(root.group(), "") if root else ""
        if place:
            typed = self.typed(place)
            if place in self.plain:
                return False
            if place in self.arenas or self.acquiring.arena(typed):
                return True
        return self.allocators.is_arena(shown)

    # The call

    def call(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        """Lower a call. `into`: the place its value is to have."""
        callee = node.first
        receiver, method = member_of(callee)
        shown = "".join(self.module.text(callee).split())
        qualified = self.module.qualified(shape(shown))
        definition = self.resolve(callee)
        expected, self.expected = self.expected, ""
        subject = self.evaluate(receiver) if receiver is not None else NOTHING
        arguments = [(part, self.evaluate(part)) for part in node.parts[1:] if part is not None]
        if self.flow.current is None:
            return NOTHING
        if (
            among(callees().ends, qualified)
            or ENDS.search(shown)
            or (definition and definition.returns == "noreturn")
        ):
            self.flow.current = None
            return NOTHING
        released = self._released(subject, method, arguments, definition) or self._whole_of(receiver, method)
        if released:
            bare = method in ("free", "destroy") and definition is None and bool(shown) and not subject.places
            listed = any(self.held.get(place, ITEMS).id == "container" for place in subject.places)
            self._release(released, node, fail, not bare and not listed, definition)
            return NOTHING
        texts = [self.module.text(part) for part, _ in arguments]
        self.expected = expected
        if _EMPTYING.match(method) and receiver is not None:
            return self._emptied(node, subject, self.module.text(receiver), texts, into, fail, null)
        if method in ("realloc", "remap") and arguments and arguments[0][1].places:
            return self._regrown(node, arguments[0][1], into, fail)
        resource = self.made(node, qualified, method, texts, definition, into)
        if resource is not None:
            handed: list[str] = []
            for place, _ in self._early(arguments, qualified, method, definition):
                self.emit(Kind.ESCAPE, place, node, detail="passed", other=method)
            for position, (part, value) in enumerate(arguments):
                handed.extend(self._give(node, value, part, position, qualified, method, definition))
            made = self._acquire(node, resource, method, into, fail, null)
            for part, _ in arguments:
                if part.kind == "unary" and part.text == "&" and part.first.kind == "name":
                    self.told[part.first.text] = made.places[0]
            for place in handed:
                self.put(place, made.places[0], node)
            return made
        return self._plain(node, receiver, subject, method, qualified, definition, arguments, fail, null)

    # Release

    def _released(
        self, subject: Value, method: str, arguments: list[tuple[N, Value]], definition: Definition | None
    ) -> tuple[str, ...]:
        """The places that a call releases."""
        back = tuple(
            place
            for _, value in arguments
            for place in value.places
            if place in self.held and self.held[place].release[0].endswith(f".{method}", 1)
        )
        if back:
            return back  # `pool.release(slot)` ends the slot and not the pool
        own = tuple(place for place in subject.places if self._ends(place, method))
        if own:
            return own
        if not RELEASES.search(method):
            return ()
        given = union(*(value for _, value in arguments))
        if method not in ("free", "destroy"):
            return given.places  # `gl.deleteShader(shader)` is not the end of what the shader was made from
        return (*given.places, *(part for part in given.parts if part not in given.places))

    def _whole_of(self, receiver: N | None, method: str) -> tuple[str, ...]:
        """What cleanup means that ends a member of a value (`buffer.manager.release()`): the value is thought of."""
        if not self.flow.cleaning or receiver is None or receiver.kind != "field" or not STRONG.match(method):
            return ()
        place = self.root(receiver)
        return (place,) if place in self.held and place not in self.lists else ()

    def _ends(self, place: str, method: str) -> bool:
        """Whether a method of a value releases it."""
        if STRONG.match(method):
            return True
        held = self.held.get(place)
        if held is None:
            return False
        own = {name.partition("(")[0].removeprefix(".") for name in held.release if name.startswith(".")}
        return (
            method in own
            or (held.id == "thread" and method == "detach")
            or (held.id == "anything" and bool(RELEASES.search(method)))
        )

    def _release(
        self, places: tuple[str, ...], node: N, fail: int | None, whole: bool, teardown: Definition | None
    ) -> None:
        """`whole`: with all that they hold inside, as far as their teardown in this file speaks of it."""
        if whole:
            inner = (part for place in places for part in self.inner(place))
            places = (*(part for part in inner if self._torn_down(part, teardown)), *places)
        places = tuple(dict.fromkeys(places))
        for number, place in enumerate(places):
            last = number == len(places) - 1
            part = self._part(node) if place.endswith("[]") else ""
            note = "its release can fail"
            self.emit(Kind.RELEASE, place, node, fail=fail if last else None, note=note, other=part)

    def _torn_down(self, part: str, teardown: Definition | None) -> bool:
        """Whether a teardown may release a member: it names it, or asks another method of the value."""
        member = part.partition("[]")[2]
        if teardown is None or not member or not teardown.parameters:
            return True
        this = re.escape(teardown.parameters[0].name)
        asks = re.search(rf"\b{this}\.\w+\(|\({this}[,)]".encode(), teardown.text) is not None
        return asks or has_word(teardown.text, member.encode())

    def _part(self, call: N) -> str:
        """What of an element a call releases, as it is written: "item.name"."""
        callee, *given = call.all()
        if given and callee.text in ("free", "destroy"):
            return self.module.text(given[-1])
        return self.module.text(callee.first) if callee.kind == "field" else ""

    # Acquisition

    def made(
        self,
        node: N,
        qualified: str,
        method: str,
        texts: Sequence[str],
        definition: Definition | None,
        into: str,
    ) -> Resource | None:
        """What a call makes for this function, or None."""
        callee = node.first
        receiver, _ = member_of(callee)
        shown = self.module.text(receiver) if receiver is not None else ""
        if definition is None:
            known = self.acquiring.known(qualified, method)
            if method == "promote" and self.place_of(receiver) in ("", *self.parameters):
                return None  # the memory stays that of whoever keeps the state
            if known is not None and ("$receiver" not in known.release[0] or self._allocates(shown)):
                return self._filled(known, shown, texts)
            if (slot := self._slot(shown, method, into)) is not None:
                return slot
            typed = shown if receiver is not None else self.expected if callee.kind == "enum" else ""
            if typed and (found := self._standard(typed, method, texts, into)) is not None:
                return found
        else:
            found = self._slot(shown, method, into) or self._own(definition, receiver, shown, texts)
            if found is not None:
                return found
        if definition is None and (summary := self.oracle.maker(qualified)) is not None and summary.returns:
            return self._substituted(summary.returns, shown, texts)
        return self._inferred(node, qualified, method, texts, into) if into else None

    def _slot(self, pool: str, method: str, into: str) -> Resource | None:
        """Something taken from a pool, where this file shows how it is given back."""
        last = pool.rpartition(".")[2]
        if not into or not _POOL.search(last) or not _TAKES.match(method):
            return None
        verb = self.oracle.gives_back(last)
        if not verb:
            return None
        return Resource("slot", "slot", (method,), (f"{pool}.{verb}",), collected=False, origin="inferred")

    def _allocates(self, shown: str) -> bool:
        return self.allocators.is_one(shown)

    def _filled(self, known: Resource, receiver: str, texts: Sequence[str]) -> Resource | None:
        if "$receiver" in known.release[0] and self.is_arena(receiver):
            return None
        if "$allocator" in known.release[0] or known.needs:
            allocator = self.acquiring.allocator(texts)
            if not allocator or self.is_arena(allocator):
                return None
        return self.acquiring.release(known, receiver, texts)

    def _standard(self, typed: str, method: str, texts: Sequence[str], into: str) -> Resource | None:
        """A container of the standard library."""
        found = self.acquiring.managed(typed, method, texts)
        if found is None:
            return None
        allocator = self.acquiring.allocator(texts)
        if found.id != "arena" and self.is_arena(allocator):
            return None
        if found.id == "arena" and allocator and self.is_arena(allocator):
            return None
        if method == "initCapacity" and into and (handed := self.handed_to(into)):
            return replace(found, release=(f".deinit({handed})",))
        return found

    def handed_to(self, name: str) -> str:
        """The allocator that the methods of a local container are given in this function, or ""."""
        return self.acquiring.handed_to(self.definition, name.partition("#")[0].encode())

    def _own(
        self, definition: Definition, receiver: N | None, shown: str, texts: Sequence[str]
    ) -> Resource | None:
        """What a function of this file hands out."""
        allocator = self.acquiring.allocator(texts)
        if allocator and self.is_arena(allocator):
            return None
        struct = self.acquiring.constructor(definition)
        if struct is not None and (owner := self.acquiring.owner(struct, texts)) is not None:
            return owner
        template = self.oracle.returns(definition)
        if not template:
            return None
        bound = definition.method and receiver is not None and self.struct_of(shown) is not definition.owner
        return self._substituted(template, shown if bound else "", texts if not bound else [shown, *texts])

    def _substituted(self, template: str, receiver: str, texts: Sequence[str]) -> Resource | None:
        """A release in the callee's terms, in those of the caller: `$1.free` and the second argument."""
        missing = False

        def fill(match: re.Match[str]) -> str:
            nonlocal missing
            position = int(match.group(1))
            if position >= len(texts):
                missing = True
                return ""
            return texts[position].lstrip("&")

        filled = re.sub(r"\$(\d+)", fill, template)
        head = filled.rpartition(".")[0]
        if (
            missing
            or head == "undefined"
            or not re.fullmatch(r"[\w.?()*{}, ]*", filled)
            or (head and self.is_arena(head))
        ):
            return None
        return replace(ITEMS, id="made", acquire=("made",), release=(filled,), origin="inferred")

    def _inferred(
        self, node: N, qualified: str, method: str, texts: Sequence[str], into: str
    ) -> Resource | None:
        """Something of unknown kind that this very function releases somewhere."""
        if (
            "." in into
            or into.startswith("%")
            or qualified.startswith(("std.mem.", "std.fmt.", "std.math.", "std.meta."))
        ):
            return None
        allocator = self.acquiring.allocator(texts)
        if allocator and self.is_arena(allocator):
            return None
        if TAKEN.match(method) and not allocator:
            return None
        release = self.released_here(into)
        if not release:
            return None
        receiver = release.rpartition(".")[0]
        if receiver and self.is_arena(receiver):
            return None
        return Resource(
            "inferred", "value", (qualified or method,), (release,), collected=False, origin="inferred"
        )

    def released_here(self, place: str) -> str:
        """The release of a local that stands where its name is visible, as a template, or ""."""
        start, end = self.visible.get(place, (0, len(self.module.source)))
        found = self.oracle.releases.of(self.definition).get(place.partition("#")[0], ())
        return next((template for at, template in found if start <= at < end), "")

    def _acquire(
        self, node: N, resource: Resource, method: str, into: str, fail: int | None, null: int | None
    ) -> Value:
        place = into or self.new_place()
        note = f"{method}() can fail"
        if null is not None:
            self.emit(Kind.CALL, "", node, note=note, detail=method, fail=fail)
            following = self.flow.block()
            self.flow.edge("normal", null)
            self.flow.edge("normal", following)
            self.flow.current = following
            fail = None
        self.hold(place, resource)
        self.emit(Kind.ACQUIRE, place, node, note=note, resource=resource, fail=fail)
        self.views.pop(place, None)
        return Value((place,), branched=null is not None)

    def _emptied(
        self,
        node: N,
        subject: Value,
        receiver: str,
        texts: Sequence[str],
        into: str,
        fail: int | None,
        null: int | None,
    ) -> Value:
        """`list.toOwnedSlice()`: the list is empty then, and its memory has another owner."""
        allocator = texts[0] if texts and self.allocators.is_one(texts[0]) else ""
        held = next((self.held[place] for place in subject.places if place in self.held), None)
        if not allocator and held is not None and "(" in held.release[0]:
            allocator = held.release[0].partition("(")[2].rstrip(")")
        known = bool(subject.places) or bool(allocator)
        self.emit(Kind.CALL, "", node, note="toOwnedSlice() can fail", detail="toOwnedSlice", fail=fail)
        for place in subject.places:
            self.emit(Kind.ESCAPE, place, node, detail="kept", other="emptied")
        allocator = allocator or f"{receiver}.allocator"
        if not known or self.is_arena(allocator) or not re.fullmatch(r"[\w.?()*]+", allocator):
            return NOTHING
        return self._acquire(
            node, replace(ITEMS, release=(f"{allocator}.free",)), "toOwnedSlice", into, None, null
        )

    def _regrown(self, node: N, value: Value, into: str, fail: int | None) -> Value:
        """`x = try gpa.realloc(x, n)`: the same memory for all that matters."""
        self.emit(Kind.CALL, "", node, note="realloc() can fail", detail="realloc", fail=fail)
        return Value(value.places)

    # Everything else

    def grow(self, place: str, node: N) -> None:
        """A local container takes memory."""
        growing = self.lists.get(place)
        if growing is None or self.flow.current is None:
            return
        before, self.at = self.at, self.module.span(*growing.statement)
        self.hold(place, growing.resource)
        self.emit(Kind.ACQUIRE, place, growing.node, resource=growing.resource, detail="grown")
        self.at = before

    def _plain(
        self,
        node: N,
        receiver: N | None,
        subject: Value,
        method: str,
        qualified: str,
        definition: Definition | None,
        arguments: list[tuple[N, Value]],
        fail: int | None,
        null: int | None,
    ) -> Value:
        owned = self._early(arguments, qualified, method, definition)
        for place in (*subject.places, *subject.parts):
            if self.has(place):
                self.emit(Kind.USE, place, node, detail=method)
        for place, position in owned:
            self.emit(Kind.ESCAPE, place, node, detail="passed", other=f"{method}:{position}")
        self.emit(Kind.CALL, "", node, note=f"{method or 'a call'}() can fail", detail=method, fail=fail)
        if self.flow.current is None:
            return NOTHING
        root = self.root(receiver) if receiver is not None else ""
        if (
            method in callees().grows
            and root in self.lists
            and receiver is not None
            and receiver.kind == "name"
        ):
            self.grow(root, node)
        handed: list[str] = []
        looked: list[str] = []
        for position, (part, value) in enumerate(arguments):
            if (
                part.kind == "unary"
                and part.text == "&"
                and (local := self.place_of(part.parts[0])) in self.lists
            ):
                self.grow(local, node)
            back = self._give(node, value, part, position, qualified, method, definition, root)
            handed.extend(back)
            looked.extend((*value.places, *value.parts))
            self._show(node, value, position, qualified, method, definition)
        if _COUNTS.match(method) or (
            definition is not None and _SCALAR.match(definition.returns.rpartition("!")[2].strip())
        ):
            return NOTHING
        parts = (*inside(subject), *(place for place in looked if place not in handed))
        within = definition is not None and not re.match(
            r"[\[*]", definition.returns.rpartition("!")[2].strip(" ?")
        )
        return Value(
            tuple(dict.fromkeys(handed)), tuple(dict.fromkeys(parts)), inside=within and bool(handed)
        )

    def _show(
        self, node: N, value: Value, position: int, qualified: str, method: str, definition: Definition | None
    ) -> None:
        """A callee looks into a value; whether it keeps what it sees is not always known."""
        for place in value.parts:
            if not self.has(place):
                continue
            effect = self.effect(place, node, position, qualified, method, definition)
            if effect in ("keeps", "takes"):
                self.emit(Kind.ESCAPE, place, node, detail="passed", other=method)
            elif effect == "unknown":
                self.emit(Kind.ESCAPE, place, node, detail="shown", other=method)

    def _early(
        self, arguments: list[tuple[N, Value]], qualified: str, method: str, definition: Definition | None
    ) -> list[tuple[str, int]]:
        """What is the callee's even when it fails, or for all that is known."""
        return [
            (place, position)
            for position, (part, value) in enumerate(arguments)
            for place in value.places
            if self.effect(place, part, position, qualified, method, definition) in ("unknown", "takes")
        ]

    def _give(
        self,
        node: N,
        value: Value,
        part: N,
        position: int,
        qualified: str,
        method: str,
        definition: Definition | None,
        root: str = "",
    ) -> list[str]:
        """What a call that worked has done with an argument; the places that its result is then."""
        if method in callees().stores or f".{method}" in callees().stores:
            self.loan(value, node, method)
            self.views_handed_on(part, node)
        handed: list[str] = []
        for place in value.places:
            effect = self.effect(place, part, position, qualified, method, definition)
            if method in ("put", "putAssumeCapacity") and effect == "keeps":
                self._again(node, part, place)
            if effect == "keeps":
                stored = f".{method}" in callees().stores and definition is None
                if stored and root and root not in self.parameters and self.local(root):
                    self.put(place, root, node)
                else:
                    self.emit(Kind.ESCAPE, place, node, detail="stored" if stored else "kept", other=method)
            elif effect == "releases":
                self.emit(Kind.RELEASE, place, node)
            elif effect == "returns":
                handed.append(place)
            elif effect == "borrows":
                self.emit(Kind.USE, place, node, detail=method)
        return handed

    def views_handed_on(self, value: N | None, node: N) -> None:
        """Who gets what a method of a value gives (`list.slice()`, `dir.iterate()`) may own the value from there on."""
        if value is None:
            return
        if value.kind == "call":
            receiver, method = member_of(value.first)
            place = self.root(receiver)
            known = (_COUNTS.match(method) and not _BEGINS.match(method)) or _EMPTYING.match(method)
            if place in self.tracked and not known:
                self.emit(Kind.ESCAPE, place, node, detail="shown", other=method)
        elif value.kind == "struct":
            for member in value.all():
                self.views_handed_on(member.first, node)
        elif value.kind in ("try", "catch", "orelse", "unwrap", "deref", "unary"):
            self.views_handed_on(value.parts[0], node)

    def local(self, root: str) -> bool:
        """Whether a local is a value of this function, and no pointer to somebody else's."""
        typed = self.typed(root)
        return self.has(root) or bool(typed and not typed.lstrip("?").startswith("*"))

    idioms: list[Idiom]
    """What was recognised on the way."""

    def _again(self, node: N, part: N, place: str) -> None:
        """A copy becomes a key of a set."""
        held = self.held.get(place)
        if (
            part.kind != "name"
            or held is None
            or held.id == "anything"
            or not held.release[0].endswith(".free")
        ):
            return
        found = key_again(self.module, self.definition, node, self.at, part.text, held.release[0])
        if found is not None and found not in self.idioms:
            self.idioms.append(found)

    def effect(
        self, place: str, part: N, position: int, qualified: str, method: str, definition: Definition | None
    ) -> Effect:
        """What a call does with a place given as an argument."""
        known = callees()
        held = self.held.get(place)
        if part.kind == "unary" and part.text == "&":
            pointer = held is not None and held.release[:1] and held.release[0].endswith(".destroy")
            if not pointer:
                return "borrows"
        if held is not None and held.id == "slot":
            return "unknown"  # whoever gets a slot may give it back
        if held is None and place in self.tracked:
            return "unknown"  # nothing is in it yet
        if definition is not None:
            bound = definition.method and self._bound(qualified, definition)
            asking = not self._covered(place)
            return self.oracle.effect(definition, position + (1 if bound else 0), asking=asking)
        if among(known.keeps, qualified):
            return "keeps" if qualified.startswith("std.") else "unknown"
        if among(known.stores, qualified):
            return "keeps"
        if qualified.startswith("std.") or among(known.borrows, qualified):
            return "borrows"
        summary = self.oracle.foreign(qualified, asking=not self._covered(place))
        if summary is not None and position < len(summary.parameters):
            return summary.effects.get(summary.parameters[position], "unknown")
        return "unknown"

    def _covered(self, place: str) -> bool:
        """Whether some `defer` releases a place on every way out: who is given it until then has it on loan."""
        name = place.partition("[]")[0].partition("#")[0]
        return any(
            not frame.errors_only
            and frame in self.flow.frames
            and _FREES.search(shown)
            and has_word(shown, name)
            for frame, shown, _ in self.cleanups
        )

    def _bound(self, qualified: str, definition: Definition) -> bool:
        """Whether a method is called on a value and not on its type."""
        head = qualified.rpartition(".")[0]
        last = head.rpartition(".")[2]
        return bool(head) and last not in (definition.owner.name, "Self", *definition.owner.aliases)


__all__ = ["CONTAINER", "TRY", "Calls", "Growing"]
