"""A handler that is made on the spot becomes a member: so the very same function can be removed."""

from __future__ import annotations

import re

from repairbot.languages.typescript.classes import CONSTRUCTOR, View
from repairbot.languages.typescript.repairs import _members, teardown
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import arguments
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import KEEP_CALLBACK, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (KEEP_CALLBACK,)

_BOUND = re.compile(r"this\.([\w#$]+)\.bind\(this\)")
_CALLS_ONE = re.compile(
    r"\(?[^()]*\)?\s*=>\s*(?:\{\s*)?(?:void\s+|return\s+)?this\.([\w#$]+)\([^()]*\);?(?:\s*\})?"
)
_MAPS = (
    (re.compile(r"(?:window|globalThis|this\.[\w#]*[wW]indow)\??"), "WindowEventMap"),
    (re.compile(r"(?:(?:window\.)?document|this\.[\w#]*[dD]ocument)\??"), "DocumentEventMap"),
    (
        re.compile(r"this\.[\w#]*(?:[eE]lement|[cC]anvas|[cC]ontainer|[bB]utton|[iI]nput)\??!?"),
        "HTMLElementEventMap",
    ),
)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See KEEP_CALLBACK. args: container; method, remove (where and how it is to be taken back when nothing does so).

    spans[0]: the registration; spans[1]: the handler that the removal names.
    """
    view = source.view(intent.args["container"])
    handler = source.node(intent.at)
    call = handler.up.up if handler.up is not None else None
    if view is None or call is None or call.kind != "call_expression":
        return Refusal("the handler is not an argument of the registration")
    if (here := source.module.class_around(handler)) is None or here is not view.definition:
        return Refusal("it is not registered in a class's own method")
    value = _value(source, call, handler)
    if isinstance(value, Refusal):
        return value
    name = _name(source, view, call, handler)
    kept = _kept(source, view, name, value)
    if kept is None:
        return Refusal("there is no class to keep it in")
    edits = [kept, Edit(handler.start, handler.end, f"this.{name}")]
    if len(intent.spans) > 1:
        removed = intent.spans[1]
        return (*edits, Edit(removed.start, removed.end, f"this.{name}"))
    line = _undone(source, call, handler, intent.args["remove"], name)
    more = teardown.ending(source, view, intent.args["method"], call, f"this.{name}", line)
    return more if isinstance(more, Refusal) else (*edits, *more)


def _value(source: Source, call: N, handler: N) -> str | Refusal:
    """The handler as a member's value."""
    text = source.text(handler)
    if _BOUND.fullmatch(text):
        return text
    if handler.kind != "arrow_function":
        return Refusal("its function has a `this` of its own")
    around = source.function(handler)
    while around is not None:
        names = source.names_of(around)
        if any(source.text(node) in names for node in handler.walk() if node.kind.endswith("identifier")):
            return Refusal("it uses what is local to the method that registers it")
        around = source.function(around)
    return _typed(source, call, handler, text)


def _typed(source: Source, call: N, handler: N, text: str) -> str | Refusal:
    """The arrow function with a type for its parameter, which no context tells any more."""
    first = handler.kids[0] if handler.kids else None
    if not source.typed or first is None:
        return text
    plain = first if first.kind == "identifier" else None
    if first.kind == "formal_parameters" and first.kids:
        if all(kid.of("type_annotation") is not None for kid in first.kids):
            return text
        plain = first.kids[0].of("identifier") if len(first.kids) == 1 else None
        if plain is None:
            return Refusal("its parameters would need types")
    if plain is None:
        return text
    head = source.module.callee(call).rpartition(".")[0]
    key = source.text(arguments(call)[0])
    mapped = next((name for pattern, name in _MAPS if pattern.fullmatch(head)), "")
    if not mapped or key[:1] not in "'\"":
        return Refusal("its parameter would need a type")
    typed = f"({source.text(plain)}: {mapped}[{key}])"
    return f"{typed}{source.slice(first.end, handler.end)}"


def _name(source: Source, view: View, call: N, handler: N) -> str:
    """A name for the member: by the method that it calls, else by the event."""
    bound, called = _BOUND.fullmatch(source.text(handler)), _CALLS_ONE.fullmatch(source.text(handler))
    method = bound or called
    event = re.sub(r"\W+(\w?)", lambda found: found[1].upper(), source.text(arguments(call)[0]).strip("'\"`"))
    if method is not None:
        bare = method[1].lstrip("_#")
        wanted = f"bound{bare[:1].upper()}{bare[1:]}"
    else:
        wanted = f"on{event[:1].upper()}{event[1:]}" if event.isidentifier() else "handler"
    prefix = "_" if _members.underscored(source, view) else ""
    taken = {*view.methods, *view.mentions, *(source.classes.field_name(kid) for kid in view.fields)}
    name, number = f"{prefix}{wanted}", 2
    while name in taken:
        name, number = f"{prefix}{wanted}{number}", number + 1
    return name


def _kept(source: Source, view: View, name: str, value: str) -> Edit | None:
    """The member: a field where the class has such or is typed, else a line of the constructor."""
    constructor = view.methods.get(CONSTRUCTOR)
    value = _indented(source, value)
    if not source.typed and not view.fields and constructor is not None:
        body = constructor.kids[-1]
        rows = source.rows(body)
        start = next((row for row in rows if source.text(row).startswith("super(")), None)
        line = f"this.{name} = {value}"
        return source.after(start, [line]) if start is not None else source.at_start(body, [line])
    words = "private readonly " if source.typed else ""
    return _members.field(source, view, f"{words}{name} = {value}")


def _indented(source: Source, value: str) -> str:
    """A function's text as it looks one level higher up: its lines keep their distance to each other."""
    lines = value.split("\n")
    if len(lines) == 1:
        return value
    extra = len(lines[-1]) - len(lines[-1].lstrip())
    wanted = len(source.unit)
    cut = max(0, extra - wanted)
    return "\n".join([lines[0], *(line[cut:] if not line[:cut].strip() else line for line in lines[1:])])


def _undone(source: Source, call: N, handler: N, remove: str, name: str) -> str:
    head = source.text(call.kids[0]).rpartition(".")[0]
    given = arguments(call)
    rest = [source.text(each) for each in given if each.start > handler.end]
    kept = [
        text for text in rest if text == "this" or text == "true" or re.search(r"capture\s*:\s*true", text)
    ]
    listed = ", ".join([source.text(given[0]), f"this.{name}", *kept])
    return f"{head}.{remove}({listed})"
