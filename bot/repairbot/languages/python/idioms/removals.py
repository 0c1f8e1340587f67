"""Removals that never remove: another key, another order, a callback that is gone before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from repairbot.languages.python.registry import registry
from repairbot.languages.python.sites import call_of, flat, positional, receiver, single_assignment
from repairbot.languages.python.syntax import Module, captures, dotted, span, statement_of, text
from repairbot.lazily import regex
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, KEEP_CALLBACK, REPLACE_ARGUMENT
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

TRIGGERS = frozenset((b"pop", b"del", b"remove", b"discard", b"connect", b"close", b"stop", b"shutdown"))

_ALIAS = regex(
    rb"[(,]\s*(\w+)\s*=\s*([A-Za-z_][\w.]*)\s*\.\s*(pop|__setitem__|__delitem__|setdefault)\s*(?=[,)])"
)
_ALIASED = (b".pop,", b".pop)", b".__setitem__", b".__delitem__", b".setdefault,", b".setdefault)")
_POPS = regex(rb"\.pop\(\s*([A-Za-z_]\w*)\s*[,)]")
_DELETES = regex(rb"del ([A-Za-z_][\w.]*)\[\s*([A-Za-z_]\w*)\s*\]")
_BEFORE = regex(rb"(?<![\w.\])])[A-Za-z_][\w.]*$")
_ENTRY = regex(rb"\] = self$", re.MULTILINE)
_WEAK_SIGNALS = regex(r"(^|\.)(\w*signals?|dispatcher|\w*_signal)$")
_UNDOES = regex(r"\.(remove\w*|disconnect|unsubscribe|unregister\w*|off|close|cancel)\s*\(")


def collect(module: Module) -> list[Idiom]:
    """Every removal that is seen to miss, and every object that stays in a registry of its class."""
    return [*_other_key(module), *_other_order(module), *_weak_callbacks(module), *_registries(module)]


def _other_key(module: Module) -> Iterator[Idiom]:
    """Put in under `request.id`, taken out under `request`."""
    source = module.source
    aliases: dict[bytes, tuple[bytes, bytes]] = {}
    if any(sign in source for sign in _ALIASED):
        aliases = {match[1]: (match[2], match[3]) for match in _ALIAS.finditer(source)}
    removals = [(match[1], match[2], match.start(2)) for match in _DELETES.finditer(source)]
    for match in _POPS.finditer(source):
        before = _BEFORE.search(source, max(0, match.start() - 80), match.start())
        if before is not None:
            removals.append((before[0], match[1], match.start(1)))
    for alias, (taken_from, how) in aliases.items():
        if how in (b"pop", b"__delitem__"):
            for match in re.finditer(rb"(?<![\w.])" + alias + rb"\s*\(\s*(\w+)\s*[,)]", source):
                removals.append((taken_from, match[1], match.start(1)))
    for container, key, offset in removals:
        if b"[" + key + b"." not in source and not aliases:
            continue
        inserts = _inserts(module, container, aliases)
        node = module.root.descendant_for_byte_range(offset, offset + len(key))
        if not inserts or node is None or node.type != "identifier":
            continue
        wanted = {insert for insert, _ in inserts}
        if len(wanted) != 1 or any(it[0] == container and it[1] != key for it in removals):
            continue
        full = wanted.pop()
        head, dot, _ = full.partition(b".")
        if not dot or head != key or _is_loop_key(module, node) or _rebound(module, node):
            continue
        shown, name = container.decode(), full.decode()
        start = inserts[0][1]
        put = module.root.descendant_for_byte_range(start, start + 1)
        if put is None:
            continue
        line = put.start_point[0] + 1
        yield Idiom(
            "mismatched-removal",
            module.symbol_at(start),
            shown,
            span(statement_of(put)),
            f"{shown} is filled under {name} and emptied under {key.decode()}: nothing is ever removed",
            (
                Step(line, f"put in under {name}"),
                Step(node.start_point[0] + 1, f"taken out under {key.decode()}"),
            ),
            intents=(
                Intent(
                    REPLACE_ARGUMENT, span(node), shown, f"remove under {name}", {"text": name, "import": ""}
                ),
            ),
        )


def _inserts(
    module: Module, container: bytes, aliases: dict[bytes, tuple[bytes, bytes]]
) -> list[tuple[bytes, int]]:
    """The keys under which a container is filled, and the offset of each."""
    name = re.escape(container)
    patterns = [
        rb"(?<![\w.])" + name + rb"\s*\[\s*([^\]\n]+?)\s*\]\s*=(?!=)",
        rb"(?<![\w.])" + name + rb"\s*\.\s*setdefault\s*\(\s*([\w.]+)",
    ]
    for alias, (target, how) in aliases.items():
        if target == container and how in (b"__setitem__", b"setdefault"):
            patterns.append(rb"(?<![\w.])" + alias + rb"\s*\(\s*([\w.]+)\s*,")
    found: list[tuple[bytes, int]] = []
    for pattern in patterns:
        for match in re.finditer(pattern, module.source):
            found.append((match[1], match.start()))
    return found


def _is_loop_key(module: Module, node: Node) -> bool:
    """Whether the key comes out of a loop (over the container itself, as a rule)."""
    function = module.function_at(node.start_byte)
    start, end = (function.start, function.end) if function is not None else (0, len(module.source))
    pattern = rb"\bfor\b[^\n:]*\b" + re.escape(text(node).encode()) + rb"\b[^\n:]*\bin\b"
    return re.compile(pattern).search(module.source, start, end) is not None


def _rebound(module: Module, node: Node) -> bool:
    """Whether the name of the key is no parameter here, so that it may well hold the key itself."""
    function = module.function_at(node.start_byte)
    if function is None or text(node) not in function.parameters:
        return True
    pattern = rb"(?m)^\s*" + re.escape(text(node).encode()) + rb"\s*=(?!=)"
    return re.compile(pattern).search(module.source, function.start, function.end) is not None


def _other_order(module: Module) -> Iterator[Idiom]:
    """`push(heap, (time, key))` and later `heap.remove((key, time))`: no element is equal to that."""
    if b".remove((" not in module.source and b".discard((" not in module.source:
        return
    for name in module.mentions(rb"\.(?:remove|discard)(?=\(\()"):
        call = call_of(name)
        arguments = positional(call) if call is not None else []
        removing = module.function_at(name.start_byte)
        if call is None or removing is None or not arguments or arguments[0].type != "tuple":
            continue
        container = receiver(call)
        gone = [flat(child) for child in arguments[0].named_children]
        area = module.class_at(name.start_byte)
        for pushed, inserting in _pushed(
            module, container, area.start if area else 0, area.end if area else len(module.source)
        ):
            put = [flat(child) for child in pushed.named_children]
            function = module.function_at(inserting.start_byte)
            if len(put) != len(gone) or len(put) != 2 or function is None:
                continue
            known_in = [index for index, item in enumerate(put) if item in function.parameters]
            known_out = [index for index, item in enumerate(gone) if item in removing.parameters]
            if len(known_in) != 1 or len(known_out) != 1 or known_in == known_out:
                continue
            looked_up = single_assignment(module, removing, gone[1 - known_out[0]])
            if looked_up is None or gone[known_out[0]] not in text(looked_up):
                continue
            swapped = f"({gone[1]}, {gone[0]})"
            intent = Intent(
                REPLACE_ARGUMENT,
                span(arguments[0]),
                container,
                "remove the pair as it was put in",
                {"text": swapped, "import": ""},
            )
            yield Idiom(
                "mismatched-removal",
                function.symbol,
                container,
                span(inserting),
                f"{container} holds ({put[0]}, {put[1]}) and is asked to remove ({gone[0]}, {gone[1]})",
                (
                    Step(inserting.start_point[0] + 1, f"put in as ({put[0]}, {put[1]})"),
                    Step(call.start_point[0] + 1, "removed in the other order, so never found"),
                ),
                intents=(intent,),
            )
            break


def _pushed(module: Module, container: str, start: int, end: int) -> Iterator[tuple[Node, Node]]:
    """The pairs that are put into a list, set or heap, and the calls that do so."""
    for name in module.mentions(rb"(?<!\w)(?:append|add|heappush|appendleft|insort)(?=\s*\()", start, end):
        call = call_of(name)
        arguments = positional(call) if call is not None else []
        if call is None or not arguments or arguments[-1].type != "tuple":
            continue
        target = receiver(call) if len(arguments) == 1 else flat(arguments[0])
        if target == container:
            yield arguments[-1], call


def _weak_callbacks(module: Module) -> Iterator[Idiom]:
    """`signals.connect(lambda: root.removeHandler(h))`: held weakly, gone at once, the removal never runs."""
    if b"connect" not in module.words or b"lambda" not in module.words:
        return
    for name in module.mentions(rb"\.connect(?=\(\s*lambda\b)"):
        call = call_of(name)
        function = module.function_at(name.start_byte)
        arguments = positional(call) if call is not None else []
        if call is None or function is None or not arguments or arguments[0].type != "lambda":
            continue
        if not _WEAK_SIGNALS.search(receiver(call)) or "weak" in text(call.child_by_field_name("arguments")):
            continue
        body = flat(arguments[0].child_by_field_name("body"))
        undoes = _UNDOES.search(body)
        if undoes is None or function.parameters[:1] != ("self",):
            continue
        line = call.start_point[0] + 1
        intent = Intent(
            KEEP_CALLBACK,
            span(arguments[0]),
            "",
            "keep the callback as long as the object",
            {"name": f"self._{_snake(undoes[1])}_callback"},
            (span(statement_of(call)),),
        )
        yield Idiom(
            "unremoved-listener",
            function.symbol,
            flat(arguments[0]),
            span(call),
            f"{receiver(call)} holds its callbacks weakly: this lambda is gone at once and never removes anything",
            (Step(line, "nothing else holds the lambda"), Step(line, f"so {body} never runs")),
            intents=(intent,),
        )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: "_" + match[1].lower(), name)


def _registries(module: Module) -> Iterator[Idiom]:
    """`Loop.instances[key] = self` in a class whose close() leaves the entry."""
    pattern = re.compile(rb"[ \t]+([A-Z]\w*)\.(\w+)\[([^\]\n]+)\] = self")
    for entry in _ENTRY.finditer(module.source):
        match = pattern.match(module.source, module.source.rfind(b"\n", 0, entry.start()) + 1)
        if match is None:
            continue
        function, owner = module.function_at(match.start(1)), module.class_at(match.start(1))
        if function is None or owner is None or function.parameters[:1] != ("self",):
            continue
        teardown = next(
            (it for it in registry().teardowns if any(child.name == it for child in owner.children)), ""
        )
        attribute = match[2]
        if not teardown or re.search(
            rb"\b" + attribute + rb"\s*(?::[^=\n]*)?=\s*(?:weakref\.)?Weak", module.source
        ):
            continue
        removed = (
            rb"\b" + attribute + rb"\s*\.\s*(?:pop|clear|popitem)\b|\bdel\b[^\n]*\b" + attribute + rb"\s*\["
        )
        if re.search(removed, module.source):
            continue
        node = module.root.descendant_for_byte_range(match.start(1), match.end(1))
        if node is None or node.type != "identifier":
            continue
        shown = f"{match[1].decode()}.{attribute.decode()}"
        key = match[3].decode("utf-8", "replace").strip()
        method = next(child for child in owner.children if child.name == teardown)
        member = _member_of(module, function.node, key)
        intents: tuple[Intent, ...] = ()
        if member:
            intents = (
                Intent(
                    ADD_TO_TEARDOWN,
                    span(statement_of(node)),
                    shown,
                    f"take the object out in {teardown}()",
                    {
                        "container": owner.symbol,
                        "method": teardown,
                        "line": f"{shown}.pop({member}, None)",
                        "after": "",
                        "early": "yes",
                    },
                ),
            )
        yield Idiom(
            "unremoved-listener",
            function.symbol,
            shown,
            span(statement_of(node)),
            f"the object stays in {shown} after {teardown}()",
            (
                Step(node.start_point[0] + 1, f"registers itself under {key}"),
                Step(method.node.start_point[0] + 1, f"{teardown}() leaves the entry"),
            ),
            intents=intents,
        )


def _member_of(module: Module, function: Node, key: str) -> str:
    """The member of the object that holds a key: the key itself or what a local is also stored as."""
    if key.startswith("self."):
        return key
    for node in captures("(assignment) @a", function).get("a", []):
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if right is not None and text(right) == key and re.fullmatch(r"self\.\w+", dotted(left)):
            return dotted(left)
    return ""
