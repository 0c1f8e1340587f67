"""What a teardown releases whatever happens: members, and what stands in them, down to the elements of lists and maps.

Only what is certain counts: a release that a flag decides about, or that stands behind a way out, is none. A place is
a path from the object: ("todos", "items", "[]", "id") is the `id` of each element of the list `todos`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from repairbot.languages.zig.acquiring import Acquiring
from repairbot.languages.zig.given import arguments
from repairbot.languages.zig.syntax import Definition, Module, Struct
from repairbot.languages.zig.tree import N, TooDeep
from repairbot.languages.zig.words import has_word
from repairbot.lazily import dataclass

Path = tuple[str, ...]
_MOST_DEEP: Final = 4
_ENDS: Final = re.compile(r"deinit\w*|destroy|free|close|release|unref|deref|join|kill")
_HANDED: Final = re.compile(r"(?:\w*[a-z])?(?:[Dd]estroy|[Cc]lose|[Ff]ree|[Rr]elease|[Uu]nref|[Dd]einit)\w*")
_ITERATORS: Final = {"iterator": "<entry>", "keyIterator": "<key>", "valueIterator": "<value>"}
_ENTRY: Final = {"key_ptr": "<key>", "value_ptr": "<value>"}
_POPS: Final = re.compile(r"pop(?:OrNull|First|Last)?|removeOrNull")
_OUT: Final = frozenset({"return", "try"})
_JUMPS: Final = _OUT | {"break", "continue"}
_SIZES: Final = frozenset({"len", "capacity", "items", "ptr"})
_NUMBER: Final = re.compile(
    r"(?:[uif]\d+|[ui]size|c_\w+|bool|void|comptime_int|anyerror|std\.(?:Thread\.(?:Mutex|RwLock|Condition)|atomic\.\w+\(.*\)))$"
)
_ALIAS: Final = re.compile(r"const (\w+) = ((?:[uif]\d+|[ui]size|\[\d+\]u8)|(?:\w+\.)*[A-Z]\w*\(.*\));")
_MODIFIERS: Final = re.compile(r"^(?:const|volatile|align\([^()]*\)|allowzero)\s+")
_SLICE: Final = re.compile(r"\[(?::[^\]]+)?\]")
_ARRAY: Final = re.compile(r"\[[^\[\]*:]+(?::[^\]]+)?\]")
_KEYED: Final = re.compile(r"HashMap")
_STRINGS: Final = re.compile(r"^std\.String(?:Array)?HashMap")
_LISTS: Final = frozenset(
    {
        "std.ArrayList", "std.ArrayListUnmanaged", "std.ArrayListAligned", "std.ArrayListAlignedUnmanaged",
        "std.array_list.Managed", "std.PriorityQueue", "std.PriorityDequeue", "std.Deque", "std.fifo.LinearFifo",
        "std.SegmentedList",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Freed:
    """A release: by which function or method, in which line, and in which method of the object."""

    verb: str
    line: int
    method: str


class Teardown:
    """Reads one teardown and the methods that it calls on its object."""

    def __init__(self, acquiring: Acquiring, struct: Struct, definition: Definition) -> None:
        self.acquiring, self.module, self.struct = acquiring, acquiring.module, struct
        self.freed: dict[Path, list[Freed]] = {}
        self._open = [definition.name]
        try:
            self._method(definition, (), {definition.parameters[0].name: ()})
        except TooDeep:
            self.freed = {}

    def _method(self, definition: Definition, prefix: Path, names: dict[str, Path]) -> None:
        body = definition.body
        if body is not None:
            self._rows(body.all(), prefix, names)

    def _rows(self, rows: list[N], prefix: Path, names: dict[str, Path]) -> bool:
        """Statements in their order; False when control may have left before their end."""
        names = dict(names)
        return all(self._row(row, prefix, names) for row in rows)

    def _row(self, row: N, prefix: Path, names: dict[str, Path]) -> bool:
        kind = row.kind
        if kind in ("statement", "defer"):
            return row.parts[0] is None or self._row(row.parts[0], prefix, names)
        if kind == "decl":
            value = row.parts[0]
            found = self._place(value, names) if value is not None else None
            for name in row.names:
                names.pop(name, None)
                if found is not None:
                    names[name] = found
        elif kind == "assign":
            target, value = row.parts
            if target is not None and target.kind == "name" and value is not None and target.text == "_":
                return self._row(value, prefix, names)
        elif kind == "block":
            return self._rows(row.all(), prefix, names)
        elif kind == "call":
            self._call(row, prefix, names)
        elif kind == "catch":
            value, handler = row.parts
            if value is not None and value.kind == "call":
                self._call(value, prefix, names)
            return handler is None or not _leaves(handler)
        elif kind == "if":
            self._if(row, prefix, names)
        elif kind in ("for", "while"):
            self._loop(row, prefix, names)
            return not _leaves(row, _OUT)
        return not _leaves(row)

    def _if(self, row: N, prefix: Path, names: dict[str, Path]) -> None:
        condition, then, _ = row.parts
        if condition is None or then is None or _leaves(then):
            return
        asked = self._place(condition, names) if row.names else self._asked(condition, names)
        if asked is None or asked[: len(prefix)] != prefix:
            return
        inner = dict(names)
        for name in row.names:
            inner[name] = asked
        self._rows([then], asked, inner)

    def _asked(self, condition: N, names: dict[str, Path]) -> Path | None:
        """The one place that a condition asks about: whether it is there, or how much is in it."""
        if condition.kind != "binary" or condition.text not in (">", "!=", ">="):
            return None
        place = self._place(condition.first, names)
        while place and place[-1] in _SIZES:
            place = place[:-1]
        return place or None

    def _loop(self, row: N, prefix: Path, names: dict[str, Path]) -> None:
        """`for (self.list.items) |item| {}`, `while (it.next()) |entry| {}`, `while (self.list.pop()) |item| {}`."""
        if row.kind == "for":
            *inputs, body, _ = row.parts
        else:
            condition, step, body, _ = row.parts
            inputs = [condition] if step is None else []
        if body is None or _leaves(body):
            return
        for number, name in enumerate(row.names):
            given = inputs[number] if number < len(inputs) else None
            place = self._inside(given, names) if given is not None else None
            if place is not None and place[: len(prefix)] == prefix:
                within = place[:-1] if place[-1] == "<entry>" else place
                self._rows([body], within, {**names, name: place})

    def _inside(self, given: N, names: dict[str, Path]) -> Path | None:
        """What a loop hands out of what it is given."""
        if given.kind != "call":
            place = self._place(given, names)
            return (*place, "[]") if place else None
        callee = given.first
        place = self._place(callee.first, names) if callee.kind == "field" else None
        if not place:
            return None
        if callee.text == "next" and place[-1] in _ITERATORS.values():
            return place
        return (*place, "items", "[]") if _POPS.fullmatch(callee.text) else None

    def _place(self, node: N, names: dict[str, Path]) -> Path | None:
        """The path that an expression names, None for any other."""
        if node.kind == "name":
            return names.get(node.text)
        if node.kind == "field":
            place = self._place(node.first, names)
            if place and place[-1] == "<entry>":
                return (*place[:-1], _ENTRY[node.text]) if node.text in _ENTRY else None
            return (*place, node.text) if place is not None else None
        if node.kind in ("deref", "unwrap") or (node.kind == "unary" and node.text == "&"):
            return self._place(node.first, names)
        if node.kind == "builtin" and node.text in ("@constCast", "@ptrCast", "@alignCast") and node.parts:
            return self._place(node.first, names)
        if node.kind == "call" and node.first.kind == "field" and node.first.text in _ITERATORS:
            place = self._place(node.first.first, names)
            return (*place, _ITERATORS[node.first.text]) if place else None
        return None

    def _call(self, call: N, prefix: Path, names: dict[str, Path]) -> None:
        callee, given = call.first, call.all()[1:]
        receiver = self._place(callee.first, names) if callee.kind == "field" else None
        one = given[0] if len(given) == 1 else None
        if one is not None and self.acquiring.allocators.is_one(self.module.text(one)):
            one = None
        if receiver == ():
            self._own(callee.text, call, prefix)
        elif one is not None:
            if (place := self._place(one, names)) is not None and _HANDED.fullmatch(callee.text):
                verb = callee.text if callee.text in ("free", "destroy") else "handed"
                self._free(place, verb, call, prefix)
        elif receiver is not None and _ENDS.fullmatch(callee.text):
            self._free(receiver, f".{callee.text}", call, prefix)

    def _own(self, name: str, call: N, prefix: Path) -> None:
        """A method of the object, called on it."""
        found = self.struct.functions.get(name)
        if found is None or name in self._open or len(self._open) >= _MOST_DEEP or not found.parameters:
            return
        if len(call.parts) != len(found.parameters):
            return
        self._open.append(name)
        self._method(found, prefix, {found.parameters[0].name: ()})
        self._open.pop()

    def _free(self, place: Path, verb: str, call: N, prefix: Path) -> None:
        if place and place[: len(prefix)] == prefix:
            line = self.module.line(call.start)
            self.freed.setdefault(place, []).append(Freed(verb, line, self._open[-1]))


def _leaves(node: N, jumps: frozenset[str] = _JUMPS) -> bool:
    """Whether control may leave from within, or a turn of a loop may end early."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind in jumps:
            return True
        waiting.extend(one.all())
    return False


class Kept:
    """Tells of the members of one file's structs what their teardowns release."""

    def __init__(self, module: Module, acquiring: Acquiring) -> None:
        self.module, self.acquiring = module, acquiring

    def members(self, struct: Struct, definition: Definition) -> Iterator[tuple[str, int, str]]:
        """Each member that a teardown releases whole and for certain: its name, the line, and why it is safe."""
        teardown = Teardown(self.acquiring, struct, definition)
        whole = {place[0] for place in teardown.freed}
        for item in struct.fields(self.module):
            if item.name in whole:
                judged = _Judged(self, teardown.freed, struct)
                if judged.whole((item.name,), item.type):
                    line, reason = judged.why((item.name,), item.type, definition.name)
                    yield item.name, line, reason

    @cached_property
    def aliases(self) -> dict[str, str]:
        """What local names of numbers and of containers stand for."""
        return dict(_ALIAS.findall(self.module.source.decode("utf-8", "replace")))

    def plain(self, typed: str, depth: int = 0) -> bool:
        """Whether a value of this type owns no memory for certain."""
        typed = self.bare(typed)
        if _NUMBER.match(typed):
            return True
        if match := _ARRAY.match(typed):
            return self.plain(typed[match.end() :], depth)
        struct = self.module.struct(typed) if re.fullmatch(r"\w+", typed) else None
        if struct is None or depth > _MOST_DEEP:
            return False
        if struct.kind == "enum":
            return True
        return struct.kind == "struct" and all(
            self.plain(item.type, depth + 1) for item in struct.fields(self.module)
        )

    def bare(self, typed: str) -> str:
        """A type's text without optional and constant, aliases resolved."""
        typed = typed.strip().removeprefix("?").strip()
        while match := _MODIFIERS.match(typed):
            typed = typed[match.end() :]
        return self.aliases.get(typed, typed)


class _Judged:
    """One member, held against what its teardown releases."""

    def __init__(self, kept: Kept, freed: dict[Path, list[Freed]], struct: Struct) -> None:
        self.kept, self.freed, self.struct = kept, freed, struct
        self.inner: dict[str, int] = {}
        """What is released of its inside ("elements", "keys", "values"), with the first line."""
        self.bare: list[str] = []
        """What of its inside owns nothing."""

    def whole(self, place: Path, typed: str, depth: int = 0) -> bool:
        """Whether all that a value of this type at this place owns is released."""
        typed = self.kept.bare(typed)
        if depth > _MOST_DEEP or not typed:
            return False
        if depth and self.kept.plain(typed):
            return True
        verbs = {freed.verb for freed in self.freed.get(place, ())}
        ended = any(verb.startswith(".") for verb in verbs)
        if match := _SLICE.match(typed):
            return "free" in verbs and self._parts((*place, "[]"), typed[match.end() :], "elements", depth)
        if match := _ARRAY.match(typed):
            return self._parts((*place, "[]"), typed[match.end() :], "elements", depth)
        if typed.startswith("*"):
            inner = self.kept.bare(typed[1:])
            if "destroy" in verbs:
                return ended or self.kept.plain(inner) or self._fields(place, inner, depth)
            return "handed" in verbs or any(self._with_itself(inner, verb[1:]) for verb in verbs)
        base = self.kept.acquiring.kind(typed).partition("(")[0]
        given = arguments(typed.partition("(")[2])
        if _KEYED.search(base):
            key, value = ("[]const u8", *given[:1]) if _STRINGS.match(base) else (*given, "", "")[:2]
            return (
                ended
                and self._parts((*place, "<key>"), key, "keys", depth)
                and self._parts((*place, "<value>"), value, "values", depth)
            )
        if base in _LISTS:
            return ended and self._parts(
                (*place, "items", "[]"), given[0] if given else "", "elements", depth
            )
        if self.kept.acquiring.container(typed):
            return ended and (not given or all(self.kept.plain(each) for each in given))
        return ended or "handed" in verbs or self._fields(place, typed, depth)

    def _with_itself(self, typed: str, method: str) -> bool:
        """Whether a method of a struct of this file gives back the memory of its object as well."""
        struct = self._here(typed)
        definition = struct.functions.get(method) if struct is not None else None
        if definition is None or not definition.parameters:
            return False
        return has_word(definition.text, f"destroy({definition.parameters[0].name})".encode())

    def _here(self, typed: str) -> Struct | None:
        return self.kept.module.struct(typed) if re.fullmatch(r"\w+", typed) else None

    def _parts(self, place: Path, typed: str, what: str, depth: int) -> bool:
        """What stands in a list, a slice or a map."""
        if self.kept.plain(typed):
            if not depth and typed != "void":
                self.bare.append(what)
            return True
        if not self.whole(place, typed, depth + 1):
            return False
        if not depth:
            lines = [
                each.line for path, all_ in self.freed.items() if path[: len(place)] == place for each in all_
            ]
            self.inner[what] = min(lines)
        return True

    def _fields(self, place: Path, typed: str, depth: int) -> bool:
        """A struct of this file whose members are released one by one."""
        struct = self._here(typed)
        if struct is None or struct.kind != "struct":
            return False
        items = struct.fields(self.kept.module)
        return bool(items) and all(self.whole((*place, item.name), item.type, depth + 1) for item in items)

    def why(self, place: Path, typed: str, teardown: str) -> tuple[int, str]:
        """The line of the release, and the reason in words."""
        released = self.freed.get(place) or [
            each for path, all_ in self.freed.items() if path[: len(place)] == place for each in all_
        ]
        last = released[-1]
        helper = f"; {teardown}() calls {last.method}()" if last.method != teardown else ""
        if self.kept.acquiring.arena(typed):
            return last.line, f"{last.method}() ends it, and all that it gave, at line {last.line}{helper}"
        reason = f"released by {last.method}() at line {last.line}"
        for what, line in self.inner.items():
            reason += f", its {what} at line {line}"
        if self.bare and not self._letters(typed):
            reason += f"; its {' and '.join(self.bare)} own nothing"
        return last.line, reason + helper

    def _letters(self, typed: str) -> bool:
        """Whether nobody would ask about the elements: text, numbers."""
        return bool(_SLICE.match(self.kept.bare(typed)))


__all__ = ["Kept"]
