"""Which calls of a file acquire something: by the resources' names, by what a receiver was made from, and by what
the functions and classes of this file (or, from the pass across files, of others) were seen to hand out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final, NamedTuple

from tree_sitter import Node

from repairbot.languages.base import Project
from repairbot.languages.python.syntax import APART, Module, dotted, statement_of, text
from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.ops import Resource

_MADE: Final = regex(rb"[ \t]*(?::[^=\n]+)?=[ \t]*\(?\s*(?:await\s+)?([A-Za-z_][\w.]*(?:\(\)\.\w+)*)\(")
_TYPED: Final = regex(rb"[ \t]*:[ \t]*[\"']?([A-Za-z_][\w.]*)")
_ENTERED: Final = regex(rb"([A-Za-z_][\w.]*)\([^\n]*\)\s+as\s+$")
_PART: Final = regex(rb"[\w.]")
_COROUTINES: Final = frozenset("get post put delete patch head options request ws_connect".split())
"""Methods of clients that give a coroutine (or what may be entered in its place)."""
_RAISES: Final = regex(r"\b(?:raises|assertRaises\w*)\(")
_WORD: Final = regex(rb"\w")
_READS: Final = frozenset({"read", "readline", "readlines", "write", "writelines"})
_RENAMES: Final = regex(rb" as [ \t]*(\w+)[ \t]*(?:[,)#\r\n]|$)")
"""An import under another name, by what follows it; what `with` and `except` name is followed by a colon."""
_LONGEST: Final = 80
"""Bytes of the longest name that is looked for before it."""


ANY: Final[frozenset[bytes]] = frozenset()
"""In the place of the words that may stand before a dot: all of them."""


def _renamed(source: bytes) -> Iterator[tuple[bytes, bytes]]:
    """What may be imported under another name: its last word, and the name."""
    for match in _RENAMES.finditer(source):
        for origin in source[max(0, match.start() - _LONGEST) : match.start()].translate(APART).split()[-1:]:
            yield origin, match[1]


def _ends(source: bytes, end: int, words: frozenset[bytes]) -> bool:
    """Whether what ends here is one of these words."""
    return source[max(0, end - _LONGEST) : end].translate(APART).rpartition(b" ")[2] in words


@dataclass(frozen=True, slots=True)
class Table:
    """The resources by what acquires them.

    `exact`: by qualified name. `methods`: by the name of a method of any receiver. `endings`: the project's own
    dotted names, which also match behind another receiver (`self.pool.take`). `derived`: last names of methods of
    what some call makes ("a.B().c").
    """

    exact: dict[str, Resource]
    methods: dict[str, Resource]
    endings: dict[str, Resource]
    derived: frozenset[str]
    words: frozenset[bytes]
    company: dict[bytes, tuple[Way, ...]]
    """By an acquiring name's last word: what must stand in the file too; no entry when nothing need."""
    by_id: dict[str, Resource]

    def active(self, words: Set[bytes]) -> dict[bytes, frozenset[bytes]]:
        """The last words of acquiring names that can mean something in a file with these words.

        With each the words of which one stands before its dot, where it has one; none where anything may.
        """
        found: dict[bytes, frozenset[bytes]] = {}
        for word in self.words & words:
            ways = self.company.get(word)
            if ways is None:
                found[word] = frozenset()
            elif open_ways := [way for way in ways if way.words <= words]:
                derived = any(not way.receiver for way in open_ways)
                found[word] = frozenset() if derived else frozenset(way.receiver for way in open_ways)
        return found


class Way(NamedTuple):
    """One way to write an acquiring name: the words that must stand in the file too (what is imported, and what makes
    the receiver), and what stands before the last dot (b"" for anything)."""

    words: frozenset[bytes]
    receiver: bytes


@lru_cache(maxsize=8)
def table_of(resources: tuple[Resource, ...]) -> Table:
    """The table of these resources; earlier ones win."""
    exact: dict[str, Resource] = {}
    methods: dict[str, Resource] = {}
    endings: dict[str, Resource] = {}
    derived: set[str] = set()
    for resource in resources:
        for name in resource.acquire:
            if name.startswith("."):
                methods.setdefault(name[1:], resource)
                continue
            exact.setdefault(name, resource)
            if "()." in name:
                derived.add(name.rpartition(".")[2])
            if resource.origin == "project" and "." in name:
                endings.setdefault(name, resource)
    ways: dict[bytes, set[Way]] = {}
    free = {name.encode() for name in methods} | {name.rpartition(".")[2].encode() for name in endings}
    for name in exact:
        *others, last = name.encode().split(b".")
        makers = {part[:-2] for part in others if part.endswith(b"()")}
        if others:
            receiver = b"" if makers else others[-1]
            ways.setdefault(last, set()).add(Way(frozenset({others[0].rstrip(b"()"), *makers}), receiver))
        else:
            free.add(last)
    words = frozenset(ways) | free
    company = {word: tuple(found) for word, found in ways.items() if word not in free}
    by_id = {item.id: item for item in resources}
    return Table(exact, methods, endings, frozenset(derived), words, company, by_id)


@cache
def _call(word: bytes) -> re.Pattern[bytes]:
    """Finds calls of one name. It begins with plain text, which is what the search engine is fast at."""
    return re.compile(re.escape(word) + rb"[ \t]*\(")


def absolute(qualified: str, path: str) -> str:
    """A dotted name with its leading dots resolved from the path of the file that uses it."""
    if not qualified.startswith("."):
        return qualified
    bare = qualified.lstrip(".")
    folders = path.replace("\\", "/").split("/")[:-1]
    up = len(qualified) - len(bare) - 1
    return ".".join([*(part for part in folders[: len(folders) - up] if part), bare])


class Acquiring:
    """The acquiring calls of one file."""

    def __init__(self, module: Module, resources: tuple[Resource, ...], project: Project) -> None:
        self.module = module
        self.table = table_of(resources)
        self.project = project
        self.own: dict[str, Resource] = {}
        """What functions ("make", "Pool.take") and classes of this file hand out, by symbol."""
        self.sites: dict[tuple[int, int], Resource] = {}
        """The acquiring calls by their byte range."""
        self._makers: dict[tuple[int, str], str] = {}

    def search(self) -> list[Node]:
        """Find the calls that the resources' names and other files' answers point at; the call nodes."""
        active = self.table.active(self.module.words | self._package())
        renamed = list(_renamed(self.module.source)) if active else []
        if any(origin in self.table.words for origin, _ in renamed):
            imports = self.module.imports
            active |= {local.encode(): ANY for local, origin in imports.items() if origin in self.table.exact}
        others = frozenset(local for _, local in renamed)
        found = list(self._find({word: before and before | others for word, before in active.items()}))
        found.sort(key=lambda call: call.start_byte)  # and not as a set of words happens to lie
        if not (self.project.resources or self.project.summaries):
            return found
        names = {
            local.encode()
            for local, origin in self.module.imports.items()
            if origin in self.project.resources
            or ((summary := self.project.summaries.get(origin)) is not None and summary.returns)
        }
        if names:
            found.extend(self._find(dict.fromkeys(names, ANY)))
        return found

    def _package(self) -> frozenset[bytes]:
        """The folders of the file, which are what its relative imports start from."""
        if b"from ." in self.module.source:
            return frozenset(part.encode() for part in self.module.path.split("/")[:-1])
        return frozenset()

    def learn(self, symbol: str, resource: Resource) -> list[Node]:
        """A function or class of this file hands out a resource: the calls of it that are now acquiring."""
        self.own[symbol] = replace(resource, origin="inferred")
        return list(self._find({symbol.rpartition(".")[2].encode(): ANY}))

    def _find(self, words: Mapping[bytes, frozenset[bytes]]) -> Iterator[Node]:
        """The calls of these names; with each what may stand before its dot."""
        source = self.module.source
        for word, receivers in words.items():
            for match in _call(word).finditer(source):
                start, end = match.start(), match.start() + len(word)
                if start and _WORD.match(source, start - 1):
                    continue
                if (
                    receivers
                    and source[start - 1 : start] == b"."
                    and not _ends(source, start - 1, receivers)
                ):
                    continue
                name = self.module.root.descendant_for_byte_range(end - 1, end)
                call = _call_of(name) if name is not None and name.type == "identifier" else None
                if call is None or (call.start_byte, call.end_byte) in self.sites:
                    continue
                resource = self._resource(call)
                if resource is not None:
                    self.sites[call.start_byte, call.end_byte] = resource
                    yield call

    def at(self, call: Node) -> Resource | None:
        """What this call acquires."""
        return self.sites.get((call.start_byte, call.end_byte))

    def _resource(self, call: Node) -> Resource | None:
        resource = self._named(call)
        if resource is None:
            return None
        if resource.needs and not re.search(resource.needs, text(call)):
            return None
        if resource.begins and not self._begun(call, resource):
            return None
        return None if _meant_to_fail(call) or (resource.asynchronous and _unawaited(call)) else resource

    def _begun(self, call: Node, resource: Resource) -> bool:
        """Whether the function around a call also calls what makes its value hold something."""
        scope = self.module.function_at(call.start_byte)
        start, end = (scope.start, scope.end) if scope is not None else (0, len(self.module.source))
        return any(self.module.source.find(f".{name}(".encode(), start, end) >= 0 for name in resource.begins)

    def _named(self, call: Node) -> Resource | None:
        callee = dotted(call.child_by_field_name("function"))
        if not callee:
            return None
        head, _, method = callee.rpartition(".")
        own = self._own(call, callee, head, method)
        if own is not None:
            return own
        qualified = self.module.qualified(callee)
        found = self._exact(qualified)
        if found is not None and not self._shadowed(call, callee, head):
            return found
        if qualified in self.project.resources:
            return self.project.resources[qualified]
        summary = self.project.summaries.get(qualified)
        if summary is not None and summary.returns:
            known = self.table.by_id.get(summary.returns)
            if known is None or summary.slots == known.slots:
                return known
            return replace(known, slots=summary.slots)
        if head and method in self.table.derived:
            maker = self.maker(call, head)
            found = self.table.exact.get(f"{maker}().{method}") if maker else None
            if found is not None:
                return found
        for name, resource in self.table.endings.items():
            if callee.endswith("." + name):
                return resource
        if method == "open" and head and _read_at_once(call):
            return self.table.by_id.get("file")
        return self.table.methods.get(method) if head else None

    def _exact(self, qualified: str) -> Resource | None:
        """By qualified name; of a relative one, by every absolute name that the file's path allows."""
        if not qualified.startswith("."):
            return self.table.exact.get(qualified)
        name = absolute(qualified, self.module.path)
        while name:
            found = self.table.exact.get(name)
            if found is not None and name.partition(".")[0] not in sys.stdlib_module_names:
                return found
            name = name.partition(".")[2]
        return None

    def _own(self, call: Node, callee: str, head: str, method: str) -> Resource | None:
        if not self.own:
            return None
        if head in ("self", "cls"):
            owner = self.module.class_at(call.start_byte)
            return self.own.get(f"{owner.symbol}.{method}") if owner else None
        found = self.own.get(callee)
        return None if found is None or self._parameter(call, callee.partition(".")[0]) else found

    def _shadowed(self, call: Node, callee: str, head: str) -> bool:
        """A builtin's name that this file gives to something else."""
        if head or callee in self.module.imports:
            return False
        if any(item.symbol == callee for item in self.module.definitions) or self._parameter(call, callee):
            return True
        assigned = b"\n" + callee.encode() + b" = " in self.module.source
        return assigned or (callee == "open" and b"mock_open" in self.module.words)

    def _parameter(self, call: Node, name: str) -> bool:
        function = self.module.function_at(call.start_byte)
        return function is not None and name in function.parameters

    def maker(self, node: Node, receiver: str) -> str:
        """The qualified name of the call that made the receiver (a local, a member of self, a global), or ""."""
        scope = self.module.definition_at(node.start_byte)
        key = (scope.start if scope is not None else -1, receiver)
        if key not in self._makers:
            self._makers[key] = self._find_maker(node, receiver)
        return self._makers[key]

    def _find_maker(self, node: Node, receiver: str) -> str:
        if "(" in receiver or "[" in receiver:
            return ""
        name = receiver.encode()
        if receiver.startswith("self."):
            owner = self.module.class_at(node.start_byte)
            return self._made(name, owner.start, owner.end) if owner else ""
        if "." in receiver:
            return ""
        scope = self.module.function_at(node.start_byte)
        found = self._made(name, scope.start, scope.end) if scope else ""
        if found or (scope is not None and receiver in scope.parameters):
            return found
        return self._made(b"\n" + name, 0, len(self.module.source))

    def _made(self, name: bytes, start: int, end: int) -> str:
        """What the name is given in a stretch of the source: `x = make()`, `with make() as x`, `x: Made`."""
        source = self.module.source
        at = source.find(name, start, end)
        while at >= 0:
            behind = at + len(name)
            if not at or not _PART.match(source, at - 1):
                match = _MADE.match(source, behind, end)
                if match is None and source[max(0, at - 40) : at].rstrip(b" \n")[-1:] in (b"(", b","):
                    match = _TYPED.match(source, behind, end)
                if match is None and source[at - 4 : at] == b" as " and not _PART.match(source, behind):
                    match = _ENTERED.search(source, source.rfind(b"\n", 0, at) + 1, at)
                if match is not None:
                    return self.module.qualified(match[1].decode())
            at = source.find(name, behind, end)
        return ""


def _read_at_once(call: Node) -> bool:
    """`x.open().read()`, `for line in x.open()`: whatever opens, what it gives is a file."""
    parent = call.parent
    if parent is None:
        return False
    if parent.type == "for_statement":
        return parent.child_by_field_name("right") == call
    called = parent.parent is not None and parent.parent.type == "call"
    return parent.type == "attribute" and called and text(parent.child_by_field_name("attribute")) in _READS


def _unawaited(call: Node) -> bool:
    """`cm = session.get(url)`: a coroutine that nobody waits for here has acquired nothing yet."""
    method = dotted(call.child_by_field_name("function")).rpartition(".")[2]
    parent = call.parent
    return (
        method in _COROUTINES
        and parent is not None
        and (parent.type in ("expression_statement", "assignment"))
    )


def _meant_to_fail(call: Node) -> bool:
    """`with pytest.raises(...): open(path)`: the last statement of such a block never gives its value."""
    statement = statement_of(call)
    block = statement.parent
    around = block.parent if block is not None else None
    if block is None or around is None or around.type != "with_statement":
        return False
    head = text(around)[: block.start_byte - around.start_byte]
    last = [child for child in block.named_children if child.type != "comment"][-1]
    return last == statement and _RAISES.search(head) is not None


def _call_of(name: Node) -> Node | None:
    """The call whose callee ends in this name."""
    node, parent = name, name.parent
    if parent is not None and parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        node, parent = parent, parent.parent
    if parent is not None and parent.type == "call" and parent.child_by_field_name("function") == node:
        return parent
    return None
