"""Which calls acquire, borrow, keep and release: the resources files and what this file adds to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tree_sitter import Node

from repairbot.languages.python.sites import keywords, positional
from repairbot.languages.python.syntax import Module, dotted, text
from repairbot.lifetimes.ops import Resource

GENERIC_BORROWERS = frozenset(
    "print len isinstance issubclass str repr bytes bool int float hasattr getattr setattr id type iter next list "
    "enumerate zip map sorted sum any all min max set tuple dict filter reversed hash format callable vars "
    "select.select contextlib.suppress weakref.ref asyncio.wait_for asyncio.shield".split()
)
BORROWING_MODULES = (
    "subprocess.",
    "logging.",
    "os.path.",
    "shutil.",
    "json.",
    "pickle.",
    "struct.",
    "hashlib.",
    "fcntl.",
)
STORING = frozenset(
    "append add put put_nowait insert appendleft setdefault extend update push enter_context callback".split()
)
HANDING_OVER = re.compile(
    r"(^|[._])(close|release|return|give|put|dispose|free|discard|recycle|check_?in|cleanup|shutdown|stop|kill|reap|drop)"
    r"(_\w+|[A-Z]\w*)?(\(\))?$"
)
"""Names of callees that take a value to end its life, as far as a name can say."""
GENERIC_RELEASES = frozenset(("close", "aclose", "__exit__", "__aexit__", "release_conn"))
HARMLESS = frozenset(
    "len isinstance str repr bool id type hasattr print range tuple list dict set min max callable time.time "
    "time.monotonic time.perf_counter super int float bytes bytearray object frozenset enumerate zip sorted "
    "collections.deque deque collections.OrderedDict OrderedDict threading.Lock threading.RLock threading.Event "
    "datetime.now datetime.datetime.now logging.getLogger".split()
)
"""Callees that do not fail in practice; an error edge from each would be noise."""
LOGGING = re.compile(
    r"(^|[._])(log|logger|logging|_log|LOG|LOGGER|_LOGGER|warnings)\.(debug|info|warning|warn|error|exception|critical|log)$"
)


@dataclass(slots=True)
class Acquiring:
    """Resources by the callee that acquires them. `local`: what functions and classes of this file add, by name."""

    module: Module
    resources: tuple[Resource, ...]
    exact: dict[str, Resource] = field(default_factory=dict)
    suffix: dict[str, Resource] = field(default_factory=dict)
    local: dict[str, Resource] = field(default_factory=dict)
    releasers: dict[str, list[Resource]] = field(default_factory=dict)
    keepers: frozenset[str] = frozenset()
    borrowers: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for resource in self.resources:
            for name in resource.acquire:
                if name.startswith("."):
                    self.suffix[name[1:]] = resource
                elif resource.origin == "project":
                    self.suffix[name] = resource
                else:
                    self.exact.setdefault(name, resource)
            for name in resource.release:
                if not name.startswith("."):
                    self.releasers.setdefault(name, []).append(resource)
        self.keepers = frozenset(name for resource in self.resources for name in resource.keeps)
        self.borrowers = frozenset(name for resource in self.resources for name in resource.borrows)
        self.methods = GENERIC_RELEASES | {
            name[1:] for resource in self.resources for name in resource.release if name.startswith(".")
        }

    def words(self) -> frozenset[bytes]:
        """The last parts of every acquiring name, as bytes: a file with none of them acquires nothing."""
        names: Iterable[str] = (*self.exact, *self.suffix, *self.local)
        return frozenset(name.rpartition(".")[2].encode() for name in names)

    def resource(self, call: Node) -> Resource | None:
        """What a call acquires, or None."""
        callee = call.child_by_field_name("function")
        name = dotted(callee)
        if not name:
            return None
        found = self.local.get(name)
        if found is None:
            qualified = self.module.qualified(name)
            found = self.exact.get(qualified)
            if found is not None and not self._meant(found, name, call):
                return None
        if found is None and self.suffix:
            parts = name.split(".")
            for start in range(len(parts)):
                found = self.suffix.get(".".join(parts[start:]))
                if found is not None:
                    break
        return found

    def _meant(self, resource: Resource, name: str, call: Node) -> bool:
        """Whether a name of the table is really what it says here."""
        if (
            "." not in name
            and name not in self.module.imports
            and any(d.symbol == name for d in self.module.definitions)
        ):
            return False
        if resource.id == "text wrapper":
            first = positional(call)[:1]
            return bool(first) and not text(first[0]).startswith(("sys.", "self."))
        if resource.id == "image":
            return not any(key in keywords(call) for key in ("data",))
        return True

    def borrows(self, callee: str, resources: Iterable[Resource]) -> bool:
        """Whether a callee uses a value and gives it back."""
        qualified = self.module.qualified(callee)
        return (
            callee in GENERIC_BORROWERS
            or qualified in GENERIC_BORROWERS
            or qualified in self.borrowers
            or any(qualified.startswith(prefix) for prefix in BORROWING_MODULES)
            or bool(LOGGING.search(callee))
        )

    def releases(self, callee: str) -> bool:
        """Whether a callee releases its argument, by the table: `os.close`, or a project's `pool.give`."""
        qualified = self.module.qualified(callee)
        if qualified in self.releasers or callee in self.releasers:
            return True
        return any(
            callee.endswith("." + name)
            for name, owners in self.releasers.items()
            if owners[0].origin == "project"
        )

    def release_methods(self, resource: Resource) -> frozenset[str]:
        """The methods that release such a value."""
        return GENERIC_RELEASES | {name[1:] for name in resource.release if name.startswith(".")}


def fallible(module: Module, callee: str) -> bool:
    """Whether a call of this name is taken to be able to fail."""
    return not (callee in HARMLESS or module.qualified(callee) in HARMLESS or LOGGING.search(callee))
