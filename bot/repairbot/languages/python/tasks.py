"""Tasks: who keeps the handle, what waits for it, what ends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from repairbot.languages.python.handles import LOOKED_AT, kept, made, setting, source_of
from repairbot.languages.python.sites import (
    ancestors,
    call_of,
    fate,
    keywords,
    loop_around,
    positional,
    receiver,
    single_assignment,
)
from repairbot.languages.python.syntax import Definition, Module, captures, dotted, statement_of, text
from repairbot.lifetimes.ops import Registration
from repairbot.model import Step


def task(module: Module, call: Node) -> Iterator[Registration]:
    """A spawned task, when its handle is dropped or nothing ends it."""
    function = module.function_at(call.start_byte)
    arguments = positional(call)
    if (
        function is None
        or not arguments
        or re.search(rb"\brun_(?:forever|until_complete)\b", source_of(module, function))
    ):
        return
    name = dotted(call.child_by_field_name("function"))
    if name.endswith("ensure_future") and arguments[0].type != "call":
        return
    what = fate(call)
    if what.kind == "dropped":
        if b"RUF006" in module.source[call.end_byte :].partition(b"\n")[0]:
            return  # the project says that it means it
        yield _spawned(module, call, function, handle="", resumes=_resumes(module, call, function))
    elif what.kind == "passed":
        wait = _wait_around(module, call)
        if wait is not None and _leaves_pending(wait) and not _pending_seen(module, function, wait, []):
            first = next(node for node in _elements(wait) if node.type == "call")
            if first.start_byte == call.start_byte:
                run = ", ".join(_runs(node) for node in _elements(wait) if node.type == "call")
                yield _spawned(module, wait, function, handle="", pending=True, handler=run)
    elif what.kind == "named" and what.place.isidentifier():
        yield from _local(module, call, function, what.place)
    elif what.kind == "named" and re.fullmatch(r"self\.\w+", what.place):
        yield from _member(module, call, function, what.place[5:])


def _spawned(
    module: Module,
    call: Node,
    function: Definition,
    *,
    handle: str,
    pending: bool = False,
    resumes: int = 0,
    seen: bool = False,
    handler: str = "",
) -> Registration:
    spawned = positional(call)[0]
    body = _body_of(module, function, spawned)
    endless = body is not None and _endless(body)
    evidence: tuple[Step, ...] = ()
    if endless and body is not None:
        evidence = (Step(body.start_point[0] + 1, f"{dotted(spawned).rstrip('()')} loops for ever"),)
    return made(
        module,
        call,
        function,
        "task",
        handle=handle,
        handler=handler or (dotted(spawned) if spawned.type == "call" else ""),
        pending=pending,
        resumes=resumes,
        endless=endless,
        evidence=evidence,
        kept=seen,
        remove=".cancel",
        looped=loop_around(call) is not None,
        keeper=_keeper(module, function),
    )


def _keeper(module: Module, function: Definition) -> str:
    """A set in which the class (or the module) keeps tasks until they are done."""
    pattern = re.compile(rb"add_done_callback\s*\(\s*((?:self\s*\.\s*)?\w+)\s*\.\s*(?:discard|remove)\s*\)")
    owner = module.class_at(function.start)
    areas = [(owner.start, owner.end)] if owner is not None else []
    for start, end in [*areas, (0, len(module.source))]:
        for match in pattern.finditer(module.source, start, end):
            name = match[1].decode()
            if name.startswith("self.") and (owner is None or function.parameters[:1] != ("self",)):
                continue
            if name.startswith("self.") or re.search(rb"(?m)^" + match[1] + rb"\b", module.source):
                return name
    return ""


def _body_of(module: Module, function: Definition, spawned: Node) -> Node | None:
    """The definition of the coroutine that a call starts, when it stands in this file."""
    if spawned.type != "call":
        return None
    name = dotted(spawned.child_by_field_name("function"))
    owner = module.class_at(function.start)
    if name.startswith("self.") and owner is not None:
        wanted = [child for child in owner.children if child.name == name[5:]]
    elif name.isidentifier():
        wanted = [found for found in module.functions if found.name == name and found.owner is None]
    else:
        return None
    return wanted[-1].node if len(wanted) == 1 else None


def _endless(body: Node) -> bool:
    """A `while True` that nothing but an error leaves."""
    for loop in captures("(while_statement condition: (_) @c) @w", body).get("w", []):
        if text(loop.child_by_field_name("condition")) not in ("True", "1"):
            continue
        leaves = captures("(break_statement) @b (return_statement) @b", loop).get("b", [])
        if all(any(parent.type == "except_clause" for parent in ancestors(leave, loop)) for leave in leaves):
            return True
    return False


def _resumes(module: Module, call: Node, function: Definition) -> int:
    """The line behind the call at which a context manager hands over, 0 for none."""
    decorators = " ".join(text(node) for node in function.decorators)
    if not re.search(r"contextmanager|lifespan", decorators):
        return 0
    for node in captures("(yield) @y", function.node).get("y", []):
        if node.start_byte > call.end_byte and module.function_at(node.start_byte) is function:
            return node.start_point[0] + 1
    return 0


def _mentions(module: Module, function: Definition, name: str) -> list[Node]:
    return module.mentions(
        rb"(?<![\w.])" + re.escape(name.encode()) + rb"(?!\w)", function.start, function.end
    )


def _local(module: Module, call: Node, function: Definition, name: str) -> Iterator[Registration]:
    """A task bound to a local name."""
    if re.search(rb"\b(?:global|nonlocal)\b[^\n]*\b" + name.encode() + rb"\b", source_of(module, function)):
        return
    others = [node for node in _mentions(module, function, name) if not _is_target(node)]
    if not others:
        resumes = _resumes(module, call, function)
        yield _spawned(module, call, function, handle=name if resumes else "", resumes=resumes)
        return
    if any(_serious(module, function, node) for node in others):
        return
    waits = [wait for wait in _waits(module, function) if name in _names_waited(module, function, wait)]
    if len(waits) == 1 and _leaves_pending(waits[0]) and not _conditional(call, name):
        wait = waits[0]
        names = [
            name for name in _names_waited(module, function, wait) if _spawned_here(module, function, name)
        ]
        same_loop = _loop_id(call) == _loop_id(wait)
        if names and names[0] == name and same_loop and not _pending_seen(module, function, wait, names):
            run = ", ".join(_runs(node) for name in names for node in _made_as(module, function, name))
            yield _spawned(module, call, function, handle=", ".join(names), pending=True, handler=run)
    elif not waits and (resumes := _resumes(module, call, function)):
        yield _spawned(module, call, function, handle=name, resumes=resumes)


def _loop_id(node: Node) -> int:
    loop = loop_around(node)
    return loop.id if loop is not None else 0


def _is_target(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "assignment" and parent.child_by_field_name("left") == node


def _serious(module: Module, function: Definition, node: Node) -> bool:
    """Whether this mention of a handle may end it or hand it on (a wait for it does neither)."""
    if module.function_at(node.start_byte) is not function:
        return True
    parent = node.parent
    if parent is None:
        return True
    if parent.type == "attribute":
        return text(parent.child_by_field_name("attribute")) not in LOOKED_AT
    if parent.type in (
        "comparison_operator",
        "not_operator",
        "if_statement",
        "elif_clause",
        "boolean_operator",
    ):
        return "pending" in text(parent)
    display = node
    for outer in ancestors(node, function.node):
        if outer.type == "call":
            return module.qualified(dotted(outer.child_by_field_name("function"))) != "asyncio.wait"
        if outer.type in ("list", "set", "tuple", "argument_list", "parenthesized_expression"):
            display = outer
            continue
        if outer.type == "assignment":
            left = outer.child_by_field_name("left")
            return not (
                left is not None and left.type == "identifier" and display.type in ("list", "set", "tuple")
            )
        return True
    return True


def _waits(module: Module, function: Definition) -> list[Node]:
    """The calls of asyncio.wait in a function itself."""
    found: list[Node] = []
    for name in module.mentions(rb"(?<!\w)wait(?=\s*\()", function.start, function.end):
        call = call_of(name)
        if call is None or module.function_at(call.start_byte) is not function:
            continue
        if module.qualified(dotted(call.child_by_field_name("function"))) in (
            "asyncio.wait",
            "asyncio.tasks.wait",
        ):
            found.append(call)
    return found


def _elements(wait: Node) -> list[Node]:
    """What a wait waits for, when it is written as a display."""
    arguments = positional(wait)
    if arguments and arguments[0].type in ("list", "set", "tuple"):
        return [node for node in arguments[0].named_children if node.type != "comment"]
    return []


def _names_waited(module: Module, function: Definition, wait: Node) -> list[str]:
    elements = _elements(wait)
    arguments = positional(wait)
    if not elements and arguments and arguments[0].type == "identifier":
        value = single_assignment(module, function, text(arguments[0]))
        elements = (
            value.named_children if value is not None and value.type in ("list", "set", "tuple") else []
        )
    return [text(node) for node in elements if node.type == "identifier"]


def _wait_around(module: Module, call: Node) -> Node | None:
    display = call.parent
    arguments = display.parent if display is not None and display.type in ("list", "set", "tuple") else None
    wait = arguments.parent if arguments is not None and arguments.type == "argument_list" else None
    if wait is None or wait.type != "call":
        return None
    named = module.qualified(dotted(wait.child_by_field_name("function")))
    return wait if named == "asyncio.wait" else None


def _leaves_pending(wait: Node) -> bool:
    named = keywords(wait)
    if "return_when" in named and "ALL_COMPLETED" not in text(named["return_when"]):
        return True
    return "timeout" in named and text(named["timeout"]) != "None"


def _pending_seen(module: Module, function: Definition, wait: Node, names: list[str]) -> bool:
    """Whether the function looks at what the wait left, or cancels something that may be it."""
    statement = statement_of(wait)
    assignment = statement.named_children[0] if statement.named_children else None
    if assignment is not None and assignment.type == "assignment":
        left = assignment.child_by_field_name("left")
        if (
            left is None
            or left.type not in ("pattern_list", "tuple_pattern")
            or len(left.named_children) != 2
        ):
            return True
        rest = left.named_children[1]
        if rest.type != "identifier":
            return True
        if any(node.start_byte > statement.end_byte for node in _mentions(module, function, text(rest))):
            return True
    elif assignment is None or assignment.type not in ("await", "yield"):
        return True
    for name in module.mentions(rb"\.\s*cancel(?!\w)", function.start, function.end):
        call = call_of(name)
        if call is None or receiver(call) in names or "." not in receiver(call):
            return True
    return False


def _made_as(module: Module, function: Definition, name: str) -> Iterator[Node]:
    """The calls that start a task under this name."""
    for node in _mentions(module, function, name):
        if _is_target(node) and node.parent is not None:
            right = node.parent.child_by_field_name("right")
            if right is not None and right.type == "call":
                called = module.qualified(dotted(right.child_by_field_name("function")))
                if called.rpartition(".")[2] in ("create_task", "ensure_future", "Task", "async"):
                    yield right


def _spawned_here(module: Module, function: Definition, name: str) -> bool:
    return next(_made_as(module, function, name), None) is not None


def _runs(call: Node) -> str:
    """What a task runs, by its dotted name."""
    arguments = positional(call)
    spawned = arguments[0] if arguments and arguments[0].type == "call" else call
    return dotted(spawned).removesuffix("()")


def _conditional(call: Node, name: str) -> bool:
    """Whether the task is only made when the last one is done."""
    for parent in ancestors(call):
        if parent.type in ("while_statement", "for_statement", "function_definition"):
            return False
        if parent.type in ("if_statement", "elif_clause"):
            condition = text(parent.child_by_field_name("condition"))
            if re.search(rf"\b{re.escape(name)}\b|\bdone\b", condition):
                return True
    return False


def _member(module: Module, call: Node, function: Definition, member: str) -> Iterator[Registration]:
    """A task kept in a member of the object."""
    owner = module.class_at(call.start_byte)
    if owner is not None:
        handle, seen = f"self.{member}", kept(module, owner, member)
        known = setting(module, owner, member)
        spawned = _spawned(module, call, function, handle=handle, seen=seen)
        if spawned.teardown and _ends_itself(module, call, function, spawned.teardown):
            return  # the teardown is called by the task: it would cancel itself half way
        yield replace(spawned, preset=known["preset"], optional=known["optional"])


def _ends_itself(module: Module, call: Node, function: Definition, teardown: str) -> bool:
    """Whether the spawned coroutine calls the teardown of its own object."""
    arguments = positional(call)
    body = _body_of(module, function, arguments[0]) if arguments else None
    if body is None:
        return False
    called = re.compile(rb"\bself\s*\.\s*" + teardown.encode() + rb"\s*\(")
    return called.search(module.source, body.start_byte, body.end_byte) is not None
