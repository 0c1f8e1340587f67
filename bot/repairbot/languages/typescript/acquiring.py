"""Which calls of a file acquire something: by the resources' names, and by what the functions of this file (or, from
the pass across files, of others) were seen to hand out."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from repairbot.languages.base import Project
from repairbot.languages.typescript.syntax import Module
from repairbot.languages.typescript.tree import N
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Resource


@dataclass(frozen=True, slots=True)
class Table:
    """The resources by what acquires them: by qualified name, by the last name of any receiver, or (`endings`, in small
    letters but for the method) by how the receiver's name ends."""

    exact: dict[str, Resource]
    methods: dict[str, Resource]
    endings: dict[str, Resource]
    by_id: dict[str, Resource]
    last: frozenset[str]
    """The last names of all that acquires."""


@lru_cache(maxsize=8)
def table_of(resources: tuple[Resource, ...]) -> Table:
    """The table of these resources; earlier ones win."""
    exact: dict[str, Resource] = {}
    methods: dict[str, Resource] = {}
    endings: dict[str, Resource] = {}
    for resource in resources:
        for name in resource.acquire:
            if name.startswith("*"):
                endings.setdefault(name[1:], resource)
            elif name.startswith((".", "new .")):
                methods.setdefault(name.replace(".", "", 1), resource)
            else:
                exact.setdefault(name, resource)
    last = frozenset(name.rpartition(".")[2].removeprefix("new ") for name in (*exact, *methods, *endings))
    return Table(exact, methods, endings, {item.id: item for item in resources}, last)


class Acquiring:
    """The acquiring calls of one file."""

    def __init__(self, module: Module, resources: tuple[Resource, ...], project: Project) -> None:
        self.module, self.project = module, project
        self.table = table_of(resources)
        self.own: dict[str, Resource] = {}
        """What functions of this file hand out, by symbol."""
        self._sites: dict[int, Resource | None] = {}

    def learn(self, symbol: str, resource: Resource) -> None:
        """A function of this file hands out a resource."""
        self.own[symbol] = replace(resource, origin="inferred")
        self._sites.clear()

    def found(self) -> list[N]:
        """The acquiring calls, in the order of the source."""
        own = {symbol.rpartition(".")[2] for symbol in self.own}
        asked = self.project.resources or self.project.summaries
        if b" as " in self.module.source or b"require(" in self.module.source:
            known = self.module.imports.items()
            own |= {local for local, origin in known if origin.rpartition(".")[2] in self.table.last}
        return [
            call
            for call, last in self.module.called
            if (asked or last in self.table.last or last in own) and self.at(call) is not None
        ]

    def at(self, call: N) -> Resource | None:
        """What this call acquires."""
        key = id(call)
        if key not in self._sites:
            self._sites[key] = self._resource(call)
        return self._sites[key]

    def _resource(self, call: N) -> Resource | None:
        resource = self._named(call)
        if resource is None or (resource.needs and not re.search(resource.needs, self.module.text(call))):
            return None
        return None if resource.unscoped and self._tidied(call) else resource

    def _tidied(self, call: N) -> bool:
        """Whether a scope of the runtime around the call's function releases what is made in it (`tf.tidy`)."""
        return any(
            up.kind == "call_expression" and self.module.callee(up).rpartition(".")[2] == "tidy"
            for up in call.above()
        )

    def _named(self, call: N) -> Resource | None:
        callee = self.module.callee(call)
        if not callee:
            return None
        if self.own and (own := self._own(call, callee)) is not None:
            return own
        qualified = self.module.qualified(callee)
        found = self.table.exact.get(qualified)
        if found is not None:
            return None if qualified == callee and self._local(callee) else found
        name = qualified.lstrip("/")
        if name in self.project.resources:
            return self.project.resources[name]
        summary = self.project.summaries.get(name)
        if summary is not None and summary.returns:
            return self.table.by_id.get(summary.returns)
        head, dot, last = callee.rpartition(".")
        if callee.startswith("new "):
            return self.table.methods.get("new " + last.removeprefix("new "))
        if not dot or not head:
            return None
        owner = head.rpartition(".")[2].removesuffix("()").lower()
        for name, resource in self.table.endings.items():
            ending, _, method = name.partition(".")
            if method == last and owner.endswith(ending):
                return resource
        return self.table.methods.get(last)

    def _own(self, call: N, callee: str) -> Resource | None:
        if callee.startswith("this."):
            owner = self.module.class_around(call)
            return self.own.get(f"{owner.symbol}.{callee[5:]}") if owner is not None else None
        return self.own.get(callee)

    def _local(self, callee: str) -> bool:
        """Whether the file itself defines what a global name would mean."""
        head = callee.removeprefix("new ").partition(".")[0]
        return any(item.parent is None and item.name == head for item in self.module.definitions)
