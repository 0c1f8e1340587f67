"""A promise is rejected by one handler, and what the other handlers release first stays open.

new Promise((resolve, reject) => {
  const file = createReadStream(path), lines = createInterface({ input: file });
  lines.on("line", (line) => { if (tooLong) { lines.close(); file.destroy(); reject(error); } });
  lines.on("error", (error) => reject(error));     // file stays open
});
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, arguments, statement_of
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lifetimes.intents import INSERT_EACH
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Span, Step

Handler = tuple[str, N, N]
"""The event's text, the call that registers, the function."""
_ENDS = r"(?:destroy|close|end|terminate|kill|dispose|abort)"


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Locals of a promise's executor that some handlers release before they reject, and some do not."""
    if b"new Promise" not in module.source:
        return
    for call in module.calls:
        if call.kind == "new_expression" and module.dotted(call.kids[0]) == "Promise" and arguments(call):
            executor = arguments(call)[0]
            if executor.kind in FUNCTIONS and executor.kids and executor.kids[-1].kind == "statement_block":
                yield from _executor(module, executor)


def _executor(module: Module, executor: N) -> Iterator[Idiom]:
    text = module.text
    head = text(executor.of("formal_parameters"))
    rejects = re.match(r"\(\s*[\w$]+\s*(?::[^,)]*)?,\s*([\w$]+)", head)
    if rejects is None:
        return
    reject = rf"(?<![\w.]){re.escape(rejects[1])}\("
    body = executor.kids[-1]
    handlers = [
        (text(arguments(call.kids[0])[0]), call.kids[0], arguments(call.kids[0])[-1])
        for call in body.kids
        if call.kind == "expression_statement" and call.kids and call.kids[0].kind == "call_expression"
        and re.search(r"\.(?:on|once)\($", text(call.kids[0])[: len(module.callee(call.kids[0])) + 1])
        and len(arguments(call.kids[0])) == 2 and arguments(call.kids[0])[-1].kind in FUNCTIONS
    ]  # fmt: skip
    for statement in body.kids:
        if statement.kind != "lexical_declaration":
            continue
        declared = statement.kids[0]
        name = text(declared.kids[0])
        ending = re.compile(rf"(?<![\w.]){re.escape(name)}\??\.{_ENDS}\(")
        careful = [
            handler
            for _, _, handler in handlers
            if ending.search(text(handler)) and re.search(reject, text(handler))
        ]
        for event, call, handler in handlers:
            code = text(handler)
            own = module.callee(call).startswith(f"{name}.")
            careless = event.strip("'\"") == "error" and re.search(reject, code) and not ending.search(code)
            if not careful or own or not careless or _cleans(module, body, code, ending):
                continue
            at = module.span(statement_of(declared))
            line = module.line(handler.start)
            yield Idiom(
                "error-path-leak",
                module.symbol_at(declared),
                name,
                at,
                f"{name} stays open when the handler at line {line} rejects",
                (
                    Step(at.line, "acquired"),
                    Step(line, "rejects, and leaves it open"),
                    Step(module.line(careful[0].start), "another handler ends it first"),
                ),
                confidence="high",
                intents=_ended(module, name, reject, ending, careful[0], body, handlers),
            )
            break


def _ended(
    module: Module,
    name: str,
    reject: str,
    ending: re.Pattern[str],
    careful: N,
    body: N,
    handlers: list[Handler],
) -> tuple[Intent, ...]:
    """The handlers that forget it end it as the careful one does, before they reject."""
    words = re.search(rf"(?<![\w.]){re.escape(name)}\??\.{_ENDS}\([^()]*\)", module.text(careful))
    spans: list[Span] = []
    for event, call, handler in handlers:
        code = module.text(handler)
        if event.strip("'\"") != "error" or ending.search(code) or module.callee(call).startswith(f"{name}."):
            continue
        if not re.search(reject, code) or _cleans(module, body, code, ending):
            continue
        if handler.kids[-1].kind != "statement_block" or not handler.kids[-1].kids:
            return ()
        spans.append(module.span(handler.kids[-1].kids[0]))
    if words is None or not spans:
        return ()
    lines = "\f".join([words[0]] * len(spans))
    return (
        Intent(INSERT_EACH, spans[0], name, f"end {name} before it rejects", {"lines": lines}, tuple(spans)),
    )


def _cleans(module: Module, body: N, code: str, ending: re.Pattern[str]) -> bool:
    """Whether a handler calls a function of the executor that ends it."""
    inside = (definition for definition in module.functions if body.start <= definition.start < body.end)
    enders = [re.escape(each.name) for each in inside if ending.search(module.text(each.node))]
    return any(re.search(rf"(?<![\w.]){name}\(", code) for name in enders)
