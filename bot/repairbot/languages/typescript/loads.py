"""What a file reads whole: queries without a limit, files of unknown size, batches that pile up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from repairbot.languages.typescript.syntax import Definition, Module, arguments, statement_of
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Load
from repairbot.model import Step

_LOOPS: Final = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
_ENDS: Final = frozenset(
    {"execute", "toArray", "findMany", "findAll", "getMany", "all", "query", "any", "manyOrNone", "fetchAll"}
)
_LIMITED: Final = regex(
    r"\.(?:limit|take|first|slice|paginate|top|findOne|count|countRows|offset|range|page|fetch)\s*\(|\b(?:limit|take|first|pageSize|perPage|top)\s*[:,}]"
)
_FILTERED: Final = regex(
    r"\.(?:where|filter|search|and|eq|in|match|prefilter|andWhere)\s*\((?!\s*(?:['\"`](?:true|1\s*=\s*1)['\"`])?\s*\))"
)
_VECTORS: Final = regex(rb"lancedb|vectordb", re.IGNORECASE)
_MONGO: Final = regex(rb"['\"](?:mongodb|mongoose)['\"]|\bCollection<")
_EVERYTHING: Final = regex(r"\.find\(\s*(?:\{\s*\}\s*)?(?:,[^)]*)?\)")
_SQL: Final = regex(r"^[`'\"]\s*select\b(?P<rest>[^`]*)[`'\"]$", re.IGNORECASE | re.DOTALL)
_SQL_BOUND: Final = regex(
    r"\b(?:limit|where|top\s+\d|fetch\s+first|pragma|information_schema|sqlite_master)\b|\bpg_|\b(?:count|max|min|sum|avg|exists)\s*\(|\$\{",
    re.IGNORECASE,
)
_SMALL: Final = regex(
    r"\bfrom\s+\W?\w*(?:migration|version|setting|config|role|permission|schema|metadata|meta|enum|type)",
    re.I,
)
"""Tables of few rows, by their names."""
_READS: Final = frozenset(
    {"fs.readFile", "fs.readFileSync", "fs.promises.readFile", "fs-extra.readFile", "fs-extra.readFileSync",
     "Deno.readTextFile", "Deno.readTextFileSync"}
)  # fmt: skip
_CONTENT: Final = regex(
    r"chunk|index|ingest|embed|import|upload|scan|crawl|tokeni[sz]e|split|digest|hash|analy[sz]e|convert|process(?!Env|Config)",
    re.IGNORECASE,
)
"""Functions that go over the content of whatever files there are."""
_SETTINGS: Final = regex(
    r"config|settings|options|package|manifest|lock|tsconfig|env|cert|key|schema|template|version|metadata|cache|state|rc$|ignore"
    r"|policy|fingerprint|license|readme|sql|migration|module|source|script|entry|stub|patch|changelog|locale|token|secret",
    re.IGNORECASE,
)
"""Names of files that are small."""
_SIZED: Final = regex(
    r"\b[lf]?stat(?:Sync)?\(|\.size\b|byteLength|MAX_\w*(?:SIZE|BYTES)|createReadStream|maxBytes|maxSize|sizeLimit"
)
_WATCHED: Final = regex(r"memoryUsage|heapUsed|[mM]emory|heapStatistics|\bgc\(")


class Loads:
    """Collects the whole reads of one file."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def collect(self) -> list[Load]:
        """Every whole read of which something is known, in the order of the source."""
        found: list[Load] = []
        for call, last in self.module.called:
            if last in _ENDS:
                found.extend(self._query(call, last))
            elif last.startswith("read") and self.module.qualified(self.module.callee(call)) in _READS:
                found.extend(self._file(call))
        if b"await" in self.module.source and b".push(" in self.module.source:
            for definition in self.module.functions:
                found.extend(self._batch(definition))
        found.sort(key=lambda load: load.at.start)
        return found

    def _load(
        self,
        at: N,
        what: Literal["file", "query", "batch"],
        detail: str,
        evidence: tuple[Step, ...],
        place: str,
    ) -> Load:
        return Load(
            what,
            self.module.symbol_at(at),
            place,
            self.module.span(at),
            self.module.span(statement_of(at)),
            self.module.callee(at) if at.kind == "call_expression" else "",
            repeats=any(up.kind in _LOOPS for up in _within(at)),
            evidence=evidence,
            detail=detail,
        )

    def _assigned(self, node: N) -> str:
        """The name that a value gets, "" for none."""
        for up in _within(node):
            if up.kind == "variable_declarator":
                return self.module.text(up.kids[0])
            if up.kind == "assignment_expression":
                return self.module.dotted(up.kids[0])
            if up.kind.endswith(("_statement", "arguments")):
                return ""
        return ""

    # Queries

    def _query(self, call: N, last: str) -> Iterator[Load]:
        chain = self.module.text(call)
        given = arguments(call)
        where = self.module.line(call.start)
        evidence: tuple[Step, ...] = ()
        if _LIMITED.search(chain) or self._limited_later(call):
            return
        if last in ("execute", "toArray") and _VECTORS.search(self.module.source):
            if re.search(r"\.(?:filter|query|search|where)\(", chain) and not _FILTERED.search(chain):
                evidence = (Step(where, "no filter: every row of the table"),)
                yield self._load(call, "query", "chain", evidence, self._assigned(call) or "rows")
        elif last == "toArray" and _MONGO.search(self.module.source):
            if _EVERYTHING.search(chain):
                evidence = (Step(where, "an empty filter: every document"),)
                yield self._load(call, "query", "mongo", evidence, self._assigned(call) or "documents")
        elif last in ("findMany", "findAll") and (not given or self.module.text(given[0]) in ("{}", "")):
            evidence = (Step(where, "no condition: every row of the table"),)
            yield self._load(call, "query", "orm", evidence, self._assigned(call) or "rows")
        elif last in ("query", "all", "any", "manyOrNone", "execute") and given:
            select = _SQL.match(self.module.text(given[0]))
            if select is not None and _SMALL.search(select["rest"]):
                return
            if (
                select is not None
                and not _SQL_BOUND.search(select["rest"])
                and re.search(r"\bfrom\b", select["rest"], re.I)
            ):
                evidence = (Step(where, "neither a condition nor a limit"),)
                yield self._load(call, "query", "sql", evidence, self._assigned(call) or "rows")

    def _limited_later(self, call: N) -> bool:
        """Whether the chain goes on behind the call with a limit."""
        up = call.up
        return (
            up is not None
            and up.kind == "member_expression"
            and _LIMITED.search(self.module.text(up.up)) is not None
        )

    # Files

    def _file(self, call: N) -> Iterator[Load]:
        """`fs.readFile(path)` of a file that the caller names, in code that goes over the content of files."""
        function = self.module.around(call)
        given = arguments(call)
        if function is None or not given:
            return
        named, outer = function, function
        while (above := self.module.around(outer.node)) is not None:
            outer = above
            named = above if named.name.endswith("()") else named
        path = self.module.text(given[0])
        if not re.fullmatch(r"[\w$]+(?:\.[\w$]+)*", path) or _SETTINGS.search(path):
            return
        if path.partition(".")[0] not in (*function.parameters, *outer.parameters):
            return
        if (
            not _CONTENT.search(named.name)
            or _SETTINGS.search(named.name)
            or _SIZED.search(self.module.text(outer.node))
        ):
            return
        line = self.module.line(function.start)
        evidence = (Step(line, f"{named.name}() takes whatever file it is given, of any size"),)
        yield self._load(call, "file", "whole", evidence, self._assigned(call) or path)

    # Batches

    def _batch(self, definition: Definition) -> Iterator[Load]:
        """A loop that waits for each item and piles up several results for each, until a later step takes them all."""
        if not definition.asynchronous or definition.body is None:
            return
        for loop in definition.body.kids:
            if loop.kind not in _LOOPS or self.module.around(loop) is not definition:
                continue
            body = self.module.text(loop)
            if "await " not in body or _WATCHED.search(self.module.text(definition.node)):
                continue
            piled = self._piled(definition, loop)
            if piled is None:
                continue
            name, push = piled
            taker = self._taker(definition, loop, name)
            if taker:
                evidence = (
                    Step(self.module.line(loop.start), "one item after the other"),
                    Step(taker, "all are taken here at once"),
                )
                yield self._load(push, "batch", "pile", evidence, name)

    def _piled(self, definition: Definition, loop: N) -> tuple[str, N] | None:
        """A list of the function to which the loop adds several entries in each round."""
        text = self.module.text
        local = set(re.findall(r"\b(?:const|let)\s+([\w$]+)[^=;\n]*=\s*\[\]", text(definition.body)))
        for node in loop.walk():
            if node.kind != "call_expression" or not self.module.callee(node).endswith(".push"):
                continue
            name = self.module.callee(node).rpartition(".")[0]
            if name not in local or re.search(rf"\blet\s+{name}|\bconst\s+{name}\b", text(loop)):
                continue
            spread = any(argument.kind == "spread_element" for argument in arguments(node))
            nested = any(up.kind in _LOOPS and up is not loop for up in node.above() if loop.start < up.start)
            if spread or nested:
                return name, node
        return None

    def _taker(self, definition: Definition, loop: N, name: str) -> int:
        """The line behind the loop where something that is waited for gets all of a list, 0 for none."""
        if definition.body is None:
            return 0
        behind = self.module.source[loop.end : definition.body.end].decode("utf-8", "replace")
        derived = {name, *re.findall(rf"\b(?:const|let)\s+([\w$]+)\s*=\s*{re.escape(name)}\.map\(", behind)}
        for each in derived:
            taken = re.search(rf"await\s[^;\n(]*\([^;\n]*?(?<![\w.]){re.escape(each)}(?![\w.])", behind)
            if taken is not None:
                return self.module.line(loop.end + len(behind[: taken.start()].encode()))
        return 0


def _within(node: N) -> Iterator[N]:
    """The nodes around one, inside its function."""
    for up in node.above():
        if up.kind in FUNCTIONS:
            return
        yield up
