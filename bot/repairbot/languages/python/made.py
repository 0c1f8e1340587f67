"""Where members are made: the names of a file that start as a collection or as a resource."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.growing import grows
from repairbot.languages.python.shapes import branched, looped, occurrences
from repairbot.languages.python.syntax import Definition, Module, dotted, span, statement_of, text
from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.ops import Event, Kind, Resource

COLLECTIONS: Final = {
    "list": "list",
    "dict": "dict",
    "set": "set",
    "deque": "deque",
    "defaultdict": "defaultdict",
    "OrderedDict": "OrderedDict",
    "Counter": "Counter",
    "WeakValueDictionary": "WeakValueDictionary",
    "WeakKeyDictionary": "WeakKeyDictionary",
    "WeakSet": "WeakSet",
    "Queue": "queue",
    "SimpleQueue": "queue",
    "LifoQueue": "queue",
    "PriorityQueue": "queue",
}
"""Constructors of collections by the last part of their name: what they make."""
_LITERALS: Final = {
    "list": "list",
    "list_comprehension": "list",
    "dictionary": "dict",
    "dictionary_comprehension": "dict",
    "set": "set",
    "set_comprehension": "set",
}
_VALUE: Final = regex(rb"=[ \t]*(?:\(\s*)?(?:await[ \t]+)?(?:[\[{]|([\w.]+)(?:\[[^\]\n]*\])?\()")
"""What is assigned, from the sign on: a display, or a call and its callee."""
_TARGET: Final = regex(
    rb"(?:^([ \t]*)|=[ \t]*)(?:(self|cls)\.)?([^\W\d]\w*)(?:[ \t]*:[^=]+)?[ \t]*$", re.MULTILINE
)
"""To what it is assigned: the line before the sign."""
_TUPLE: Final = regex(rb"self\.\w+[ \t]*,[^=\n]*=[ \t]*(?:await[ \t]+)?([\w.]+)\(")
_SELF_NAME: Final = regex(rb"self\.(\w+)")
_LOADER: Final = regex(r"(?:^|[._])(?:load|read|restore)(?:s|_\w+)?$")
_LOADER_BYTES: Final = regex(rb"(?:^|_)(?:load|read|restore)(?:s|_|$)")


@dataclass(slots=True)
class Made:
    """A member and where it is made. `shared`: in the class body or the module, one for all instances."""

    name: str
    owner: Definition | None
    inits: list[Event] = field(default_factory=list)
    resource: Resource | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """The resources by what acquires them: dotted names, names of methods of any receiver, last parts.

    `makers`: the last parts of all callees that make a resource or a collection.
    """

    exact: dict[str, Resource]
    methods: dict[str, Resource]
    last: frozenset[bytes]
    makers: frozenset[bytes]

    def find(self, module: Module, callee: str) -> Resource | None:
        """The resource that a call of `callee` acquires."""
        if not callee:
            return None
        if (resource := self.exact.get(module.qualified(callee))) is not None:
            return resource
        return self.methods.get(callee.rpartition(".")[2]) if "." in callee else None


_PLAIN: Final = frozenset((b"list", b"dict", b"set", b"OrderedDict", b"Counter"))
"""Constructors of what has no bound and needs no release."""
_MAKERS: Final = frozenset((b"field", *(name.encode() for name in COLLECTIONS)))
_lookups: dict[int, tuple[tuple[Resource, ...], Lookup]] = {}
_MOST_LOOKUPS: Final = 8


def lookup_of(resources: tuple[Resource, ...]) -> Lookup:
    """The table of these resources, made once (by identity: hashing them for every file would cost more)."""
    known = _lookups.get(id(resources))
    if known is None or known[0] is not resources:
        exact: dict[str, Resource] = {}
        methods: dict[str, Resource] = {}
        for resource in resources:
            for name in resource.acquire:
                if name.startswith("."):
                    methods[name[1:]] = resource
                else:
                    exact[name] = resource
        last = frozenset(name.rpartition(".")[2].encode() for name in (*exact, *methods))
        known = (resources, Lookup(exact, methods, last, last | _MAKERS))
        while len(_lookups) >= _MOST_LOOKUPS:
            _lookups.pop(next(iter(_lookups)))
        _lookups[id(resources)] = known
    return known[1]


def find(module: Module, lookup: Lookup) -> list[Made]:
    """The members that start as a collection or a resource, in no particular order."""
    found: dict[tuple[int, str], Made] = {}
    for offset, name, shared in _candidates(module, lookup):
        owner = module.definition_at(offset) if shared else module.class_at(offset)
        if owner is not None and owner.kind == "function":
            continue
        statement = _assignment(module, offset)
        if statement is None:
            continue
        event, resource = _init(module, statement.child_by_field_name("right"), statement, lookup)
        if event is not None:
            _add(
                found,
                Made(name, owner, shared=shared and event.how != "field"),
                replace(event, method=method_at(module, offset, owner)),
                resource,
            )
    if b", self." in module.source:
        for match in _TUPLE.finditer(module.source):
            if match[1].rpartition(b".")[2] in lookup.last:
                _unpacked(module, match.start(), lookup, found)
    return list(found.values())


def _add(found: dict[tuple[int, str], Made], made: Made, event: Event, resource: Resource | None) -> None:
    item = found.setdefault((made.owner.start if made.owner is not None else -1, made.name), made)
    item.inits.append(event)
    item.shared |= made.shared
    item.resource = item.resource or resource


def _candidates(module: Module, lookup: Lookup) -> Iterator[tuple[int, str, bool]]:
    """Offsets and names of what looks, by its bytes, like such a member; whether it is a shared one."""
    makers = lookup.makers

    def makes(callee: bytes | None) -> bool:
        if callee is None:
            return True
        last = callee.rpartition(b".")[2]
        return last in makers or _LOADER_BYTES.search(last) is not None

    source = module.source
    targets: list[re.Match[bytes]] = []
    kept: set[bytes] = set()
    """Names that are made as more than a plain collection: what they are matters even where they do not grow."""
    for match in _VALUE.finditer(source):
        if not makes(match[1]):
            continue
        sign = match.start()
        target = _TARGET.search(source, source.rfind(b"\n", 0, sign) + 1, sign)
        if target is None or not (target[2] or _outside(source, target.start(3))):
            continue
        targets.append(target)
        if match[1] is not None and match[1].rpartition(b".")[2] not in _PLAIN:
            kept.add(target[3])
    owned = {target[3] for target in targets if target[2]}
    growing = {
        name
        for name in {target[3] for target in targets} - kept
        if grows(source, name, list(occurrences(source, name, 0, len(source))), shared=name not in owned)
    }
    for target in targets:
        if target[3] not in kept and target[3] not in growing:
            continue
        offset, name = target.start(3), target[3].decode("utf-8", "replace")
        if target[2]:
            if module.class_at(offset) is not None:
                yield target.start(2), name, False
            continue
        owner = module.definition_at(offset)
        if (owner is None and not target[1]) or (owner is not None and owner.kind == "class"):
            yield offset, name, True


def _outside(source: bytes, offset: int) -> bool:
    """Whether an offset stands, by indentation, in a class body or at the top of the module."""
    line = source.rfind(b"\n", 0, offset) + 1
    indent = _indentation(source[line:offset])
    end = line
    while indent and end > 0:
        function = source.rfind(b"def ", 0, end)
        end = max(function, source.rfind(b"class ", max(function, 0), end))
        if end < 0:
            return False
        before = source[source.rfind(b"\n", 0, end) + 1 : end]
        if before.strip() in (b"", b"async") and _indentation(before) < indent:
            return end != function
    return not indent


def _indentation(line: bytes) -> int:
    return len(line) - len(line.lstrip())


def _assignment(module: Module, offset: int) -> Node | None:
    """The assignment around an offset."""
    node = module.root.descendant_for_byte_range(offset, offset + 1)
    while node is not None and node.type != "assignment":
        if node.type in ("block", "module", "argument_list", "parameters"):
            return None
        node = node.parent
    return node


def method_at(module: Module, offset: int, owner: Definition | None) -> str:
    """The method of `owner` around an offset; outside of it the function's symbol; "" for none."""
    current = module.function_at(offset)
    outermost = current
    while current is not None:
        if owner is not None and current.parent is owner:
            return current.name
        if current.kind == "function":
            outermost = current
        current = current.parent
    return outermost.symbol if outermost is not None else ""


def _init(
    module: Module, right: Node | None, statement: Node, lookup: Lookup
) -> tuple[Event | None, Resource | None]:
    """What an assignment makes of its target, and the resource when it is one."""
    while right is not None and right.type in ("assignment", "parenthesized_expression", "await"):
        inner = right.child_by_field_name("right") if right.type == "assignment" else None
        right = inner if inner is not None else (right.named_children[0] if right.named_children else None)
    if right is None:
        return None, None
    whole = statement_of(statement)
    event = Event(
        kind=Kind.INIT,
        method="",
        at=span(right),
        how="=",
        statement=span(whole),
        repeats=looped(whole),
        conditional=branched(whole),
    )
    if right.type in _LITERALS:
        filled = "filled" if right.named_child_count else ""
        return replace(event, detail=_LITERALS[right.type], argument=filled), None
    if right.type != "call":
        return None, None
    function = right.child_by_field_name("function")
    if function is not None and function.type == "subscript":
        function = function.child_by_field_name("value")
    callee = dotted(function)
    resource = lookup.find(module, callee)
    if resource is not None and (not resource.needs or re.search(resource.needs, text(right))):
        return replace(event, detail=resource.id, resource=resource), resource
    arguments = right.child_by_field_name("arguments")
    values = (
        [value for value in arguments.named_children if value.type != "comment"]
        if arguments is not None
        else []
    )
    last = callee.rpartition(".")[2]
    if last == "field":
        kind = COLLECTIONS.get(_keyword(values, "default_factory").rpartition(".")[2])
        return (replace(event, detail=kind, how="field"), None) if kind else (None, None)
    if (kind := COLLECTIONS.get(module.qualified(callee).rpartition(".")[2])) is not None:
        if kind == "defaultdict" and values and (bound := _bucket_limit(values[0])):
            return replace(event, detail=f"defaultdict({text(values[0])})", argument=bound), None
        if kind == "defaultdict":
            kind = f"defaultdict({text(values[0])})" if values else "defaultdict()"
        first = next((text(value) for value in values if value.type != "keyword_argument"), "[]")
        filled = "filled" if first not in ("[]", "()", "{}") and "(" not in kind else ""
        return replace(event, detail=kind, argument=_limit(kind, values) or filled), None
    if _LOADER.search(callee):
        return replace(event, detail="loaded", argument=callee), None
    return None, None


def _bucket_limit(factory: Node) -> str:
    """The bound of the deques that a defaultdict makes (`lambda: deque(maxlen=9)`), "" for none."""
    call = factory.child_by_field_name("body") if factory.type == "lambda" else factory
    if call is None or call.type != "call" or "deque" not in text(call):
        return ""
    arguments = call.child_by_field_name("arguments")
    return _limit("deque", arguments.named_children) if arguments is not None else ""


def _keyword(values: list[Node], name: str) -> str:
    for value in values:
        if value.type == "keyword_argument" and text(value.child_by_field_name("name")) == name:
            return text(value.child_by_field_name("value"))
    return ""


def _limit(kind: str, values: list[Node]) -> str:
    """The bound that a constructor names, "" for none."""
    keyword, position = {"deque": ("maxlen", 1), "queue": ("maxsize", 0)}.get(kind, ("", 0))
    if not keyword:
        return ""
    plain = [value for value in values if value.type != "keyword_argument"]
    limit = _keyword(values, keyword) or (text(plain[position]) if len(plain) > position else "")
    return "" if limit in ("None", "0", "-1") else limit


def _unpacked(module: Module, offset: int, lookup: Lookup, found: dict[tuple[int, str], Made]) -> None:
    """`self.a, self.b = os.pipe()`."""
    owner, statement = module.class_at(offset), _assignment(module, offset)
    left = statement.child_by_field_name("left") if statement is not None else None
    if owner is None or statement is None or left is None:
        return
    event, resource = _init(module, statement.child_by_field_name("right"), statement, lookup)
    if event is None or resource is None:
        return
    for index, child in enumerate(left.named_children):
        match = _SELF_NAME.fullmatch(child.text or b"")
        if match is not None and (not resource.slots or index in resource.slots):
            made = Made(match[1].decode(), owner)
            _add(found, made, replace(event, method=method_at(module, offset, owner), how="unpack"), resource)
