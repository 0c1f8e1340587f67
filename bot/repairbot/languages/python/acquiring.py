"""Which calls of a file acquire something: by the resources' names, by what a receiver was made from, and by what
the functions and classes of this file (or, from the pass across files, of others) were seen to hand out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from tree_sitter import Node

from repairbot.languages.base import Project
from repairbot.languages.python.syntax import Definition, Module, dotted, text
from repairbot.lifetimes.ops import Resource

_MADE: Final = rb"\s*(?::[^=\n]+)?=\s*(?:await\s+)?([A-Za-z_][\w.]*(?:\(\)\.\w+)*)\("
_READS: Final = frozenset({"read", "readline", "readlines", "write", "writelines"})
_NO_ARGUMENTS: Final = re.compile(r"\([^()]*\)")


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
    heads: dict[bytes, frozenset[bytes]]
    """By an acquiring name's last word, the first words of which one must stand in the file too (an import's); no
    entry when nothing need."""
    by_id: dict[str, Resource]

    def active(self, words: Set[bytes]) -> frozenset[bytes]:
        """The last words of acquiring names that can mean something in a file with these words."""
        found = self.words & words
        return frozenset(w for w in found if w not in self.heads or not self.heads[w].isdisjoint(words))


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
    heads: dict[bytes, set[bytes]] = {}
    free = {name.encode() for name in methods} | {name.rpartition(".")[2].encode() for name in endings}
    for name in exact:
        head, _, rest = name.replace("()", "").partition(".")
        last = rest.rpartition(".")[2] or head
        heads.setdefault(last.encode(), set()).add(head.encode())
    words = frozenset(heads) | free
    needed = {word: frozenset(first) for word, first in heads.items() if word not in first and word not in free}
    by_id = {item.id: item for item in resources}
    return Table(exact, methods, endings, frozenset(derived), words, needed, by_id)


@lru_cache(maxsize=1024)
def pattern_of(words: frozenset[bytes]) -> re.Pattern[bytes]:
    """Finds calls of these names; the match ends at the name."""
    return re.compile(rb"(?<!\w)(?:" + b"|".join(sorted(map(re.escape, words), key=len, reverse=True)) + rb")(?=\s*\()")


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

    def search(self) -> list[Node]:
        """Find the calls that the resources' names and other files' answers point at; the call nodes."""
        active = self.table.active(self.module.words)
        found = list(self._find(pattern_of(active))) if active else []
        if not (self.project.resources or self.project.summaries):
            return found
        names = {
            local.encode()
            for local, origin in self.module.imports.items()
            if origin in self.project.resources
            or ((summary := self.project.summaries.get(origin)) is not None and summary.returns)
        }
        if names:
            found.extend(self._find(pattern_of(frozenset(names))))
        return found

    def learn(self, symbol: str, resource: Resource) -> list[Node]:
        """A function or class of this file hands out a resource: the calls of it that are now acquiring."""
        self.own[symbol] = replace(resource, origin="inferred")
        return list(self._find(pattern_of(frozenset({symbol.rpartition(".")[2].encode()}))))

    def _find(self, pattern: re.Pattern[bytes]) -> Iterator[Node]:
        for name in self.module.mentions(pattern.pattern):
            call = _call_of(name)
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
        if resource is not None and resource.needs and not re.search(resource.needs, text(call)):
            return None
        return resource

    def _named(self, call: Node) -> Resource | None:
        callee = dotted(call.child_by_field_name("function"))
        if not callee:
            return None
        head, _, method = callee.rpartition(".")
        own = self._own(call, callee, head, method)
        if own is not None:
            return own
        qualified = self.module.qualified(callee)
        found = self.table.exact.get(_absolute(qualified))
        if found is not None and not self._shadowed(call, callee, head):
            return found
        if qualified in self.project.resources:
            return self.project.resources[qualified]
        summary = self.project.summaries.get(qualified)
        if summary is not None and summary.returns:
            return self.table.by_id.get(summary.returns)
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
        return any(item.symbol == callee for item in self.module.definitions) or self._parameter(call, callee)

    def _parameter(self, call: Node, name: str) -> bool:
        function = self.module.function_at(call.start_byte)
        return function is not None and name in function.parameters

    def maker(self, node: Node, receiver: str) -> str:
        """The qualified name of the call that made the receiver (a local, a member of self, a global), or ""."""
        if _NO_ARGUMENTS.search(receiver):
            return ""
        name = re.escape(receiver.encode())
        if receiver.startswith("self."):
            scope: Definition | None = self.module.class_at(node.start_byte)
            return self._made(name, scope) if scope else ""
        if "." in receiver:
            return ""
        scope = self.module.function_at(node.start_byte)
        found = self._made(name, scope) if scope else ""
        if found or (scope is not None and receiver in scope.parameters):
            return found
        return self._made(rb"^" + name, None)

    def _made(self, name: bytes, scope: Definition | None) -> str:
        start, end = (scope.start, scope.end) if scope else (0, len(self.module.source))
        boundary = b"" if name.startswith(b"^") else rb"(?<![\w.])"
        forms = [boundary + name + _MADE]
        if boundary:
            forms.append(rb"([A-Za-z_][\w.]*)\([^\n]*\)\s+as\s+" + name + rb"\b")
            forms.append(rb"[(,]\s*" + name + rb"\s*:\s*[\"']?([A-Za-z_][\w.]*)")
        for form in forms:
            match = re.compile(form, re.MULTILINE).search(self.module.source, start, end)
            if match:
                return self.module.qualified(match[1].decode())
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


def _absolute(qualified: str) -> str:
    """A name of a relative import as another package would spell its end (".sessions.Session"), unless that would
    be a name of the standard library."""
    bare = qualified.lstrip(".")
    return qualified if bare == qualified or bare.partition(".")[0] in sys.stdlib_module_names else bare


def _call_of(name: Node) -> Node | None:
    """The call whose callee ends in this name."""
    node, parent = name, name.parent
    if parent is not None and parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        node, parent = parent, parent.parent
    if parent is not None and parent.type == "call" and parent.child_by_field_name("function") == node:
        return parent
    return None
