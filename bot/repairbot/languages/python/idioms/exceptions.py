"""Exceptions that outlive their handler, and with them the traceback and every frame it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tree_sitter import Node

from repairbot.languages.python.registry import registry
from repairbot.languages.python.sites import ancestors, call_of, flat, loop_around, positional, receiver
from repairbot.languages.python.syntax import Definition, Module, captures, dotted, span, statement_of, text
from repairbot.lazily import regex
from repairbot.lifetimes.intents import DROP_EXCEPTION, DROP_LOCAL, INSERT_BEFORE
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Confidence, Step

TRIGGERS = frozenset((b"except", b"set_exception", b"addBoth", b"addErrback"))

_RULE = "retained-exception"
_CLEARED = regex(rb"with_traceback\s*\(\s*None|__traceback__|clear_frames|\btb_clear\b|cleanFailure|tb_frame")
_TEXTS = frozenset(
    ("str", "repr", "format", "format_exc", "type", "isinstance", "print", "bytes", "len", "getattr")
)
_EXCEPT = regex(rb"except\b(?:[^\n]*\bas (\w+))?")
_STORES = regex(rb"self\.\w+(?:\[[^\n]*\])?(?:\.(?:append|add|appendleft|insert)\(|\s*=[^=])")


def collect(module: Module) -> list[Idiom]:
    """Every exception that is seen to be retained."""
    found: list[Idiom] = []
    source = module.source
    thrown, futures = b".throw(" in source, b"set_exc" in source
    for match in _EXCEPT.finditer(source):
        named = match[1] or b"exc_info" in source
        if not (thrown or futures or (named and _stores(source, match.start()))):
            continue
        word = module.root.descendant_for_byte_range(match.start(), match.start() + 6)
        handler = word.parent if word is not None and word.type == "except" else None
        if handler is None or handler.type != "except_clause":
            continue
        found += _stored(module, handler)
        if thrown:
            found += _thrown(module, handler)
        if futures:
            found += _own_frame(module, handler)
    if b"set_exception" in module.words:
        found += _set_exception(module)
    if b"addBoth" in module.words or b"addErrback" in module.words:
        found += _deferred(module)
    return found


@cache
def _dedent(indent: int) -> re.Pattern[bytes]:
    """The start of a line that is indented no deeper."""
    return re.compile(rb"\n[ \t]{0,%d}[^ \t\r\n#]" % indent)


def _stores(source: bytes, start: int) -> bool:
    """Whether a handler, by its lines, puts something into an object: else the file is not parsed for it."""
    indent = start - source.rfind(b"\n", 0, start) - 1
    behind = _dedent(indent).search(source, start)
    return _STORES.search(source, start, behind.start() if behind else len(source)) is not None


def _bound(handler: Node) -> str:
    """The name of `except X as name`, "" when there is none."""
    for child in handler.children:
        if child.type == "as_pattern":
            return text(child.child_by_field_name("alias"))
    return ""


def _sanitizers(module: Module) -> list[str]:
    """The functions of the file that strip an exception."""
    return [
        function.name
        for function in module.functions
        if _CLEARED.search(module.source, function.start, function.end)
    ]


def _carries(node: Node, name: str) -> bool:
    """Whether a value holds the exception itself, and not only words about it."""
    if node.type == "identifier":
        return text(node) == name
    if node.type in (
        "tuple",
        "list",
        "set",
        "dictionary",
        "pair",
        "parenthesized_expression",
        "expression_list",
    ):
        return any(_carries(child, name) for child in node.named_children)
    if node.type == "call":
        callee = dotted(node.child_by_field_name("function"))
        last = callee.rpartition(".")[2]
        if callee == "sys.exc_info":
            return True
        if last in _TEXTS or not (last[:1].isupper()):
            return False
        arguments = node.child_by_field_name("arguments")
        return arguments is not None and any(_carries(child, name) for child in arguments.named_children)
    if node.type == "keyword_argument":
        value = node.child_by_field_name("value")
        return value is not None and _carries(value, name)
    return False


def _stored(module: Module, handler: Node) -> Iterator[Idiom]:
    """`except E as e: self.x.append(e)`, and `self.x = Wrapper(e)` in an object that is closed one day."""
    name = _bound(handler)
    source = module.source[handler.start_byte : handler.end_byte]
    if not _STORES.search(source) or (not name and b"exc_info" not in source):
        return
    if (
        name
        and not re.search(rb"[(,=\[]\s*" + name.encode() + rb"\b(?!\.)", source)
        and b"exc_info" not in source
    ):
        return
    function, owner = module.function_at(handler.start_byte), module.class_at(handler.start_byte)
    if function is None or owner is None or _CLEARED.search(module.source, function.start, function.end):
        return
    if any(
        re.search(rf"\b{other}\s*\(\s*{name}\b", source.decode("utf-8", "replace"))
        for other in _sanitizers(module)
    ):
        return
    for statement in captures("(expression_statement) @s", handler).get("s", []):
        inner = statement.named_children[0] if statement.named_children else None
        if inner is None or module.function_at(statement.start_byte) is not function:
            continue
        if inner.type == "call":
            callee = dotted(inner.child_by_field_name("function"))
            match = re.fullmatch(r"self\.(\w+)(?:\[\])?\.(append|add|appendleft|insert)", callee)
            values = [value for value in positional(inner) if _carries(value, name)]
            if (
                match
                and values
                and not _raised(module, owner, match[1])
                and not _consumed(module, owner, match[1])
            ):
                yield _idiom(module, handler, statement, f"self.{match[1]}", name, values[0], "high")
        elif inner.type == "assignment":
            left, right = inner.child_by_field_name("left"), inner.child_by_field_name("right")
            place = dotted(left)
            match = re.fullmatch(r"self\.(\w+)(\[\])?", place)
            if match and right is not None and _carries(right, name) and not _raised(module, owner, match[1]):
                keyed = match[2] is not None and not _constant_key(left)
                sure: Confidence = (
                    "medium"
                    if keyed or (match[2] is None and _long(owner) and _loops(module, owner))
                    else "low"
                )
                if _reset(module, owner, match[1]):
                    sure = "low"
                yield _idiom(module, handler, statement, f"self.{match[1]}", name, right, sure)


def _constant_key(left: Node | None) -> bool:
    """`self.x["error"] = e`: one slot, overwritten each time."""
    key = left.child_by_field_name("subscript") if left is not None else None
    return key is None or key.type in ("string", "integer")


def _long(owner: Definition) -> bool:
    """Whether objects of a class are closed one day, and so live for some time."""
    names = {child.name for child in owner.children}
    return not names.isdisjoint(registry().teardowns[:14])


def _loops(module: Module, owner: Definition) -> bool:
    """Whether a class runs something again and again beside its callers."""
    bases = flat(owner.node.child_by_field_name("superclasses"))
    if re.search(r"Thread|Monitor|Worker|Service", owner.name + bases):
        return True
    return (
        re.compile(rb"\bwhile\s+(?:True|not\s+self|self)\b").search(module.source, owner.start, owner.end)
        is not None
    )


def _raised(module: Module, owner: Definition, member: str) -> bool:
    pattern = rb"\braise[ \t]+self\s*\.\s*" + member.encode() + rb"\b"
    return re.compile(pattern).search(module.source, owner.start, owner.end) is not None


def _reset(module: Module, owner: Definition, member: str) -> bool:
    """Whether another method than the constructor empties the member."""
    for match in re.compile(
        rb"self\s*\.\s*" + member.encode() + rb"\s*(?::[^=\n]*)?=\s*(?:None|\[\]|\{\})"
    ).finditer(module.source, owner.start, owner.end):
        function = module.function_at(match.start())
        if function is not None and function.name != "__init__":
            return True
    return False


def _consumed(module: Module, owner: Definition, member: str) -> bool:
    """Whether the collected exceptions are given out by a method that raises or returns."""
    pattern = rb"(?:raise|return)\b[^\n]*self\s*\.\s*" + member.encode() + rb"\b"
    return re.compile(pattern).search(module.source, owner.start, owner.end) is not None


def _idiom(
    module: Module, handler: Node, statement: Node, place: str, name: str, value: Node, sure: Confidence
) -> Idiom:
    shown = name or "the exception"
    caught = handler.start_point[0] + 1
    intents: tuple[Intent, ...] = ()
    where = _occurrence(value, name)
    if where is not None and not _raises_again(handler, statement, name):
        intents = (
            Intent(
                DROP_EXCEPTION,
                span(where),
                place,
                f"store {name} without its frames",
                safety="unsafe",
                choice=f"what is kept in {place} no longer says where the error came from",
            ),
        )
    return Idiom(
        _RULE,
        module.symbol_at(statement.start_byte),
        place,
        span(statement),
        f"{place} keeps {shown}, and with it every frame of its traceback",
        (Step(caught, f"{shown} is caught"), Step(statement.start_point[0] + 1, f"stored in {place}")),
        confidence=sure,
        intents=intents,
    )


def _raises_again(handler: Node, statement: Node, name: str) -> bool:
    """Whether the error goes on behind a statement, with the traceback that a repair would take from it."""
    for found in captures("(raise_statement) @r", handler).get("r", []):
        values = found.named_children
        if found.start_byte < statement.start_byte:
            continue
        if not values or text(values[0]) == name or text(found.child_by_field_name("cause")) == name:
            return True
    return False


def _occurrence(value: Node, name: str) -> Node | None:
    found = [node for node in captures("(identifier) @i", value).get("i", []) if text(node) == name]
    return found[0] if len(found) == 1 and name else None


def _thrown(module: Module, handler: Node) -> Iterator[Idiom]:
    """`generator.throw(*sys.exc_info())` inside the handler: each round hangs the last exception on the next."""
    if loop_around(handler) is None or b"throw" not in module.source[handler.start_byte : handler.end_byte]:
        return
    for name in module.mentions(rb"\.\s*throw(?=\s*\()", handler.start_byte, handler.end_byte):
        call = call_of(name)
        if call is not None and "exc_info" in text(call.child_by_field_name("arguments")):
            line = call.start_point[0] + 1
            yield Idiom(
                _RULE,
                module.symbol_at(call.start_byte),
                receiver(call),
                span(call),
                "an exception is thrown on while it is still handled: each round chains the last one to the next",
                (
                    Step(handler.start_point[0] + 1, "caught"),
                    Step(line, "thrown into the generator inside the handler"),
                ),
            )


def _own_frame(module: Module, handler: Node) -> Iterator[Idiom]:
    """A future made here is given this frame's exception and returned: future -> traceback -> frame -> future."""
    function = module.function_at(handler.start_byte)
    if function is None or (
        function.parent is None and b"exc_info" not in module.source[handler.start_byte : handler.end_byte]
    ):
        return
    bound = _bound(handler)
    pattern = rb"(?<!\w)(?:set_exc_info|set_exception|future_set_exc_info)(?=\s*\()"
    for name in module.mentions(pattern, handler.start_byte, handler.end_byte):
        call = call_of(name)
        if call is None or module.function_at(call.start_byte) is not function:
            continue
        arguments = positional(call)
        future = receiver(call) or (text(arguments[0]) if arguments else "")
        given = arguments[-1] if arguments else None
        if (
            given is None
            or not future.isidentifier()
            or future in function.parameters
            or not _carries(given, bound)
        ):
            continue
        returned = _next_return(module, function, call, future)
        if returned is None or _protected(returned, future):
            continue
        line = call.start_point[0] + 1
        yield Idiom(
            _RULE,
            function.symbol,
            future,
            span(call),
            f"{future} holds an exception whose traceback holds this frame, which holds {future}",
            (
                Step(line, f"{future} gets the exception"),
                Step(returned.start_point[0] + 1, f"the frame still names {future}"),
            ),
            intents=(
                Intent(
                    DROP_LOCAL,
                    span(returned),
                    future,
                    f"drop the frame's name for {future}",
                    spans=(span(returned),),
                ),
            ),
        )


def _next_return(module: Module, function: Definition, call: Node, name: str) -> Node | None:
    returns = captures("(return_statement) @r", function.node).get("r", [])
    for node in sorted(returns, key=lambda node: node.start_byte):
        if node.start_byte > call.end_byte and module.function_at(node.start_byte) is function:
            value = node.named_children[0] if node.named_children else None
            if value is not None and text(value) == name:
                return node
    return None


def _protected(statement: Node, name: str) -> bool:
    for parent in ancestors(statement):
        if parent.type == "function_definition":
            return False
        if parent.type == "try_statement":
            for child in parent.children:
                if child.type == "finally_clause" and re.search(
                    rf"\b{name}\s*=\s*None|\bdel\b.*\b{name}\b", text(child)
                ):
                    return True
    return False


def _set_exception(module: Module) -> Iterator[Idiom]:
    """A future that is not the library's: `def set_exception(self, exc): self._exception = exc`."""
    for function in module.functions:
        if (
            function.name not in ("set_exception", "set_error")
            or len(function.parameters) < 2
            or function.owner is None
        ):
            continue
        name = function.parameters[1]
        body = function.body
        if body is None or _CLEARED.search(module.source, function.start, function.end):
            continue
        for node in captures("(assignment) @a", body).get("a", []):
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if dotted(left).startswith("self.") and right is not None and text(right) == name:
                place = dotted(left)
                intent = Intent(
                    DROP_EXCEPTION,
                    span(right),
                    place,
                    f"store {name} without its traceback",
                    safety="unsafe",
                    choice=f"an error that is raised from {place} later shows the place of that raise alone",
                )
                yield Idiom(
                    _RULE,
                    function.symbol,
                    place,
                    span(statement_of(node)),
                    f"{place} keeps {name}, and with it every frame of its traceback",
                    (
                        Step(function.node.start_point[0] + 1, f"{name} comes with its traceback"),
                        Step(node.start_point[0] + 1, f"stored in {place}"),
                    ),
                    confidence="medium",
                    intents=(intent,),
                )


def _deferred(module: Module) -> Iterator[Idiom]:
    """A callback for both outcomes that stores its result: a Failure keeps its frames."""
    for name in module.mentions(rb"\.\s*add(?:Both|Errback)(?=\s*\()"):
        call = call_of(name)
        arguments = positional(call) if call is not None else []
        owner = module.class_at(name.start_byte)
        if not arguments or owner is None or not dotted(arguments[0]).startswith("self."):
            continue
        wanted = dotted(arguments[0])[5:]
        function = next((child for child in owner.children if child.name == wanted), None)
        if function is None or len(function.parameters) < 2 or function.body is None:
            continue
        if _CLEARED.search(module.source, function.start, function.end):
            continue
        result = function.parameters[1]
        looked = rb"isinstance\s*\(\s*" + result.encode() + rb"\b|\b" + result.encode() + rb"\s*=(?!=)"
        if re.compile(looked).search(module.source, function.body.start_byte, function.end):
            continue
        for node in captures("(assignment) @a", function.body).get("a", []):
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if (
                left is None
                or right is None
                or text(right) != result
                or left.type not in ("subscript", "attribute")
            ):
                continue
            place = dotted(left.child_by_field_name("value")) if left.type == "subscript" else dotted(left)
            line = node.start_point[0] + 1
            intent = Intent(
                INSERT_BEFORE,
                span(node),
                place,
                "drop the failure's frames first",
                {
                    "lines": f"if isinstance({result}, Failure):\n\t{result}.cleanFailure()",
                    "import": "from twisted.python.failure import Failure",
                },
                (span(statement_of(node)),),
                "unsafe",
                f"a failure in {place} no longer shows the locals of its frames",
            )
            yield Idiom(
                _RULE,
                function.symbol,
                place,
                span(statement_of(node)),
                f"{place} keeps {result}, which is a failure with all its frames when the work failed",
                (
                    Step(name.start_point[0] + 1, "called for errors too"),
                    Step(line, f"{result} is stored as it came"),
                ),
                confidence="high" if left.type == "subscript" else "medium",
                intents=(intent,),
            )
