"""What a Python file reads whole: queries without a limit, files of unknown size, batches that pile up."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from repairbot.languages.python.sites import (
    ancestors,
    call_of,
    flat,
    keywords,
    loop_around,
    positional,
    receiver,
    single_assignment,
)
from repairbot.languages.python.syntax import Definition, Module, captures, dotted, span, statement_of, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Load
from repairbot.model import Step

TRIGGERS = frozenset(
    (
        b"fetchall",
        b"to_list",
        b"objects",
        b"query",
        b"find",
        b"readlines",
        b"UploadFile",
        b"batch_size",
        b"chunk_size",
    )
)
"""A file with none of these words has nothing for this module."""

_HANDLER = regex(r"\.(route|get|post|put|patch|delete|websocket|api_view|view_config)\b|^api_view|^route\b")
_LIMITED = regex(
    r"\.(limit|first|one|one_or_none|slice|paginate|filter|filter_by|where|get|count|batch_size|in_)\s*\(|\[[^\]]*:"
)
_SQL = regex(r"(?is)^\s*\(?\s*[rbuf]*[\"']{1,3}\s*select\b")
_SQL_BOUND = regex(
    r"(?i)\b(limit|where|top\s+\d|fetch\s+first|pragma|information_schema|sqlite_master)\b|\bpg_"
    r"|\b(count|max|min|sum|avg)\s*\("
)
_BIG = regex(r"(?i)(^|[^a-z])(logs?|uploads?|exports?|dumps?|jsonl|csv|tsv|access|history|backup)([^a-z]|$)")
_WATCHED = regex(rb"\b(?:psutil|tracemalloc|getrusage|memory_info|gc\.collect|malloc_trim)\b")


def collect(module: Module) -> list[Load]:
    """Every whole read of which something is known, in the order of the source."""
    found: list[Load] = []
    words = module.words
    if b"fetchall" in words:
        found += _fetched(module)
    if b"to_list" in words or b"objects" in words or b"query" in words or b"find" in words:
        found += _queried(module)
    if b"UploadFile" in words:
        found += _uploads(module)
    if b"readlines" in words:
        found += _lines(module)
    if b"batch_size" in words or b"chunk_size" in words:
        found += _batches(module)
    found.sort(key=lambda load: load.at.start)
    return found


def _load(
    module: Module, call: Node, what: str, detail: str, evidence: tuple[Step, ...], place: str = ""
) -> Load:
    return Load(
        what=what,  # type: ignore[arg-type]
        symbol=module.symbol_at(call.start_byte),
        place=place,
        at=span(call),
        statement=span(statement_of(call)),
        call=flat(call),
        repeats=loop_around(call) is not None,
        evidence=evidence,
        detail=detail,
    )


def _handler(function: Definition | None) -> tuple[Step, ...]:
    """The line that shows that a function answers requests."""
    current = function
    while current is not None:
        for node in current.decorators:
            if _HANDLER.search(text(node)):
                return (Step(node.start_point[0] + 1, "answers requests: it runs again and again"),)
        current = current.parent
    return ()


def _fetched(module: Module) -> Iterator[Load]:
    """`cursor.execute("SELECT * FROM t")` and all of its rows."""
    for name in module.mentions(rb"\.fetchall(?=\s*\()"):
        call = call_of(name)
        function = module.function_at(name.start_byte)
        if call is None or function is None:
            continue
        executed = [
            other
            for mention in module.mentions(rb"\.execute(?=\s*\()", function.start, call.end_byte)
            if (other := call_of(mention)) is not None
        ]
        arguments = positional(executed[-1]) if executed else []
        if not arguments:
            continue
        statement: Node | None = arguments[0]
        if statement is not None and statement.type == "identifier":
            statement = single_assignment(module, function, text(statement))
        query = text(statement)
        if _SQL.match(query) and not _SQL_BOUND.search(query) and "{" not in query:
            yield _load(module, call, "query", "sql", _handler(function), receiver(call))


def _queried(module: Module) -> Iterator[Load]:
    """`session.query(M).all()`, `list(M.objects.all())`, `collection.find().to_list(None)`."""
    orm = any(
        origin.partition(".")[0] in ("sqlalchemy", "flask_sqlalchemy", "sqlmodel")
        for origin in module.imports.values()
    )
    mongo = any(origin.partition(".")[0] in ("pymongo", "motor") for origin in module.imports.values())
    for name in module.mentions(rb"\.(?:all|to_list)(?=\s*\()"):
        call = call_of(name)
        if call is None:
            continue
        chain = flat(call)
        function = module.function_at(name.start_byte)
        if text(name) == "to_list":
            given = [*positional(call), *keywords(call).values()]
            if given and text(given[0]) == "None" and not _LIMITED.search(chain) and ".find(" in chain:
                yield _load(
                    module, call, "query", "mongo", _handler(function), receiver(call).partition("(")[0]
                )
        elif orm and (".query(" in chain or chain.endswith(".query.all()")) and not _LIMITED.search(chain):
            yield _load(module, call, "query", "orm", _handler(function), chain.partition("(")[0])
        elif ".objects.all(" in chain and _listed(call) and "django" in _origins(module):
            yield _load(module, call, "query", "django", _handler(function), chain.partition("(")[0])
    if mongo:
        for name in module.mentions(rb"\.find(?=\s*\(\s*(?:\{\s*\})?\s*\))"):
            call = call_of(name)
            if call is not None and _listed(call):
                function = module.function_at(name.start_byte)
                yield _load(module, call, "query", "find", _handler(function), receiver(call))


def _origins(module: Module) -> str:
    return " ".join(module.imports.values())


def _listed(call: Node) -> bool:
    """Whether a call is the one argument of `list()`."""
    arguments = call.parent
    outer = arguments.parent if arguments is not None and arguments.type == "argument_list" else None
    return (
        outer is not None and outer.type == "call" and text(outer.child_by_field_name("function")) == "list"
    )


def _uploads(module: Module) -> Iterator[Load]:
    """The body of an upload, whose size is the client's choice."""
    for node in captures("(typed_parameter) @p (typed_default_parameter) @p", module.root).get("p", []):
        if "UploadFile" not in text(node.child_by_field_name("type")):
            continue
        function = module.function_at(node.start_byte)
        name = node.named_children[0] if node.named_children else None
        if function is None or name is None:
            continue
        where = (Step(node.start_point[0] + 1, f"{text(name)} is uploaded: its size is the client's choice"),)
        pattern = rb"(?<![\w.])" + re.escape(text(name).encode()) + rb"(?:\.file)?\.read(?=\s*\(\s*\))"
        if re.search(
            rb"\.size\b|content_length|Content-Length", module.source[function.start : function.end]
        ):
            continue
        for mention in module.mentions(pattern, function.start, function.end):
            call = call_of(mention)
            if call is not None:
                yield _load(module, call, "file", "upload", where, text(name))


def _lines(module: Module) -> Iterator[Load]:
    """`for line in f.readlines()`: the list is not needed."""
    for name in module.mentions(rb"\.readlines(?=\s*\(\s*\))"):
        call = call_of(name)
        loop = call.parent if call is not None else None
        function = module.function_at(name.start_byte)
        if (
            call is None
            or loop is None
            or loop.type != "for_statement"
            or loop.child_by_field_name("right") != call
        ):
            continue
        file = receiver(call)
        body = loop.child_by_field_name("body")
        if not file.isidentifier() or body is None or re.search(rf"\b{file}\b", text(body)):
            continue
        opened = _opened(call, file)
        if opened is None:
            continue
        path = flat(opened)
        evidence: tuple[Step, ...] = ()
        if _BIG.search(path):
            evidence = (Step(opened.start_point[0] + 1, f"{path} grows with use"),)
        yield _load(module, call, "file", "lines", (*evidence, *_handler(function)), file)


def _opened(call: Node, file: str) -> Node | None:
    """The `open()` of the `with` around a call that gives the file its name."""
    for parent in ancestors(call):
        if parent.type == "function_definition":
            return None
        if parent.type != "with_statement":
            continue
        for item in captures("(as_pattern) @a", parent).get("a", []):
            value = item.named_children[0]
            if (
                text(item.child_by_field_name("alias")) == file
                and value.type == "call"
                and dotted(value).endswith("open()")
            ):
                return value
    return None


def _batches(module: Module) -> Iterator[Load]:
    """A loop over batches that piles its results up and never looks at memory."""
    for node in captures("(for_statement) @f", module.root).get("f", []):
        right, body = node.child_by_field_name("right"), node.child_by_field_name("body")
        if right is None or body is None or not re.search(r"\b(batch_size|chunk_size)\b", text(right)):
            continue
        function = module.function_at(node.start_byte)
        grown = re.search(
            rb"\b(\w+)\s*(?:\.\s*(?:append|extend|update)\s*\(|\+=)",
            module.source[body.start_byte : body.end_byte],
        )
        if function is None or grown is None or _WATCHED.search(module.source, function.start, function.end):
            continue
        yield _load(
            module,
            right,
            "batch",
            "",
            (Step(body.start_point[0] + 1, "results pile up here"),),
            grown[1].decode(),
        )
