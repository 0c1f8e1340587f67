"""A limit for a query; a look at a file's size before it is read."""

from __future__ import annotations

import re

from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import arguments, statement_of, strip
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lifetimes.intents import LIMIT_QUERY, STREAM_FILE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (LIMIT_QUERY, STREAM_FILE)

_CHAINS = ("toArray", "execute", "getMany", "all", "fetchAll")
_OPTIONS = {"findMany": "take", "findAll": "limit"}


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See LIMIT_QUERY and STREAM_FILE."""
    node = source.node(intent.at)
    call = node.kids[0] if node.kind == "await_expression" else node
    if call.kind != "call_expression":
        return Refusal("there is no call to change")
    return _limit(source, call, intent) if intent.do == LIMIT_QUERY else _sized(source, call, intent)


# Queries


def _limit(source: Source, call: N, intent: Intent) -> tuple[Edit, ...] | Refusal:
    head = strip(call.kids[0])  # with type arguments, the grammar reads `await` as part of what is called
    if head is None or head.kind != "member_expression":
        return Refusal("the query is no method's")
    parameter, name = _parameter(source, call, intent.args["bound"])
    method = source.text(head.kids[-1])
    given = arguments(call)
    if method in _OPTIONS:
        option = f"{_OPTIONS[method]}: {name}" if name != _OPTIONS[method] else name
        if not given:
            return (*parameter, Edit(call.end - 1, call.end - 1, f"{{ {option} }}"))
        if source.text(given[0]).replace(" ", "") != "{}":
            return Refusal("its options are made elsewhere")
        return (*parameter, Edit(given[0].start, given[0].end, f"{{ {option} }}"))
    if method in _CHAINS and not given:
        at = head.kids[0].end
        gap = source.slice(at, head.kids[-1].start)
        return (*parameter, Edit(at, at, f"{gap.rstrip('.').rstrip('?')}.limit({name})"))
    if given and re.match(r"['\"`]\s*select\b", source.text(given[0]), re.IGNORECASE) and not parameter:
        end = given[0].end - 1
        return (Edit(end, end, f" LIMIT {name}"),)
    if given and source.text(given[0])[:1] in "'\"`":
        bound = intent.args["bound"]
        text = source.text(given[0]).rstrip("'\"`").rstrip()
        if text.endswith(";") or "--" in text:
            return Refusal("the query's text goes on behind the place for a limit")
        end = given[0].start + len(text.encode())
        return (Edit(end, end, f" LIMIT {bound}"),)
    return Refusal("no limit can be written into this call")


def _parameter(source: Source, call: N, bound: str) -> tuple[tuple[Edit, ...], str]:
    """A parameter with a default on the named function around a query, and its name; the bound itself otherwise."""
    function = source.function(call)
    while function is not None and function.kind == "arrow_function" and not _is_named(function):
        function = source.function(function)
    listing = function.of("formal_parameters") if function is not None else None
    if function is None or listing is None:
        return (), bound
    last = listing.kids[-1] if listing.kids else None
    if last is not None and (last.kind == "rest_pattern" or source.text(last).startswith("...")):
        return (), bound
    names = {source.text(node) for node in function.walk() if node.kind.endswith("identifier")}
    name = next((each for each in ("limit", "maxRows") if each not in names), None)
    if name is None:
        return (), bound
    if last is None:
        return (Edit(listing.start + 1, listing.end - 1, f"{name} = {bound}"),), name
    if source.first_on_line(last.start) and source.line_start(listing.start) != source.line_start(last.start):
        blanks = source.indentation(last.start)
        return (Edit(last.end, last.end, f",{source.newline}{blanks}{name} = {bound}"),), name
    return (Edit(last.end, last.end, f", {name} = {bound}"),), name


def _is_named(function: N) -> bool:
    up = function.up
    return up is not None and up.kind in (
        "variable_declarator",
        "public_field_definition",
        "field_definition",
        "pair",
    )


# Files


def _sized(source: Source, call: N, intent: Intent) -> tuple[Edit, ...] | Refusal:
    given = arguments(call)
    row = source.row(call)
    if not given or row is None or row.up is None:
        return Refusal("no statement can stand before it")
    if any(up.kind in FUNCTIONS for up in _up_to(call, row)):
        return Refusal("no statement can stand before it")
    path = source.text(given[0])
    if not re.fullmatch(r"[\w$]+(?:\.[\w$]+)*", path):
        return Refusal("the path is an expression: give it a name first")
    callee = source.module.callee(call)
    qualified = source.module.qualified(callee)
    synchronous = qualified.endswith("Sync")
    asked = "statSync" if synchronous else "stat"
    head, _, last = callee.rpartition(".")
    added: tuple[Edit, ...] = ()
    if not head:
        listed = _import(source, last, asked)
        if listed is None:
            return Refusal(f"{asked} would have to be imported")
        added = listed
    elif not synchronous and call.up is not None and call.up.kind != "await_expression":
        return Refusal("the read is not waited for here")
    stat = f"{head}.{asked}({path})" if head else f"{asked}({path})"
    waited = stat if synchronous else f"await {stat}"
    size = source.fresh(call, "size", "fileSize", "bytes")
    bound = int(intent.args["bound"])
    shown = f"{bound // (1024 * 1024)} * 1024 * 1024" if bound % (1024 * 1024) == 0 else str(bound)
    declared = f"const {{ size }} = {waited}" if size == "size" else f"const {size} = ({waited}).size"
    message = f"`${{{path}}} has ${{{size}}} bytes: too large to be read at once`"
    lines = [declared, f"if ({size} > {shown}) {{", f"\tthrow new Error({message})", "}"]
    statement = statement_of(call)
    if statement is not row and not source.is_row(statement):
        return Refusal("no statement can stand before it")
    return (*added, source.before(row, lines))


def _up_to(node: N, row: N) -> list[N]:
    found: list[N] = []
    for up in node.above():
        if up is row:
            break
        found.append(up)
    return found


def _import(source: Source, name: str, wanted: str) -> tuple[Edit, ...] | None:
    """`wanted` beside `name` in the import of a module's names; nothing to do where it is there."""
    origin = source.module.imports.get(name, "")
    module = origin.rpartition(".")[0]
    if not module:
        return None
    if source.module.imports.get(wanted) == f"{module}.{wanted}":
        return ()
    if wanted in source.module.imports:
        return None
    found = re.search(
        rf"(?:import|const)\s*\{{[^}}]*?\b{re.escape(name)}\b(?=\s*[,}}])", source.data.decode()
    )
    if found is None:
        return None
    at = len(source.data.decode()[: found.end()].encode())
    return (Edit(at, at, f", {wanted}"),)
