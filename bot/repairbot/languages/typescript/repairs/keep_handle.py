"""What would be dropped is given to what the class keeps such things with until it ends."""

from __future__ import annotations

import re

from repairbot.languages.typescript.classes import CONSTRUCTOR, View
from repairbot.languages.typescript.repairs import _members, _release, teardown
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import CALLS, N
from repairbot.lifetimes.intents import KEEP_HANDLE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (KEEP_HANDLE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See KEEP_HANDLE; `keeper` is a call with {} for what it keeps ("this._register({})")."""
    keeper = intent.args.get("keeper", "")
    if not keeper and intent.args.get("remove"):
        return _timer(source, intent)
    if not keeper:
        return Refusal("nothing here keeps such handles")
    head, _, tail = keeper.partition("{}")
    node = source.node(intent.at)
    call = node if node.kind in CALLS else next((kid for kid in node.walk() if kid.kind in CALLS), None)
    if call is None:
        return Refusal("there is no call whose value could be kept")
    statement = call.up
    if statement is not None and statement.kind == "expression_statement":
        return (Edit(call.start, call.start, head), Edit(call.end, call.end, tail))
    if _replaced(source, intent.place):
        return Refusal(f"{intent.place} gets other values later on, and each would be kept")
    if _hands_back(head):
        return (Edit(call.start, call.start, head), Edit(call.end, call.end, tail))
    return _behind(source, call, intent, head, tail)


def _timer(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """A member keeps a timer (or a worker); it is ended in the teardown, and before another one takes its place."""
    view = source.view(intent.args["container"])
    call = source.node(intent.at)
    row = source.row(call)
    here = source.module.class_around(call)
    if view is None or here is None or here is not view.definition or row is None or call.up is not row:
        return Refusal("it is not started by a statement of a method of its own")
    remove, worker = intent.args["remove"], intent.args["what"] if intent.args["what"] != "timer" else ""
    name = _free(source, view, "worker" if worker else "interval" if "Interval" in remove else "timer")
    line = f"{remove}(this.{name})"
    if worker:
        line = _release.unless_empty(source, f"this.{name}{remove}()", f"this.{name}")[0]
    ended = teardown.ending(source, view, intent.args["method"], call, f"this.{name}", line)
    if isinstance(ended, Refusal):
        return ended
    edits = [Edit(call.start, call.start, f"this.{name} = "), *ended]
    if source.typed:
        made = source.module.callee(call).rpartition(".")[2]
        kind = worker or f"ReturnType<typeof {made}>"
        field = _members.field(source, view, f"private {name}?: {kind}")
        if field is None:
            return Refusal("there is no class to keep it in")
        edits.append(field)
    if source.function(row) is not view.methods.get(CONSTRUCTOR):
        edits.append(source.before(row, [line]))
    return tuple(edits)


def _free(source: Source, view: View, wanted: str) -> str:
    """A name that no member of a class has."""
    prefix = "_" if _members.underscored(source, view) else ""
    taken = {*view.methods, *view.mentions, *(source.classes.field_name(kid) for kid in view.fields)}
    name, number = f"{prefix}{wanted}", 2
    while name in taken:
        name, number = f"{prefix}{wanted}{number}", number + 1
    return name


def _replaced(source: Source, place: str) -> bool:
    """Whether a member is set at more than one place, or outside of the constructor and the fields."""
    sets = [
        node
        for node in source.root.walk()
        if node.kind == "assignment_expression"
        and source.text(node.kids[0]) == place
        and node.kids[-1].kind not in ("null", "undefined")
    ]
    functions = [source.function(node) for node in sets]
    return len(sets) > 1 or any(
        function is None or not source.text(function).startswith("constructor") for function in functions
    )


def _hands_back(head: str) -> bool:
    """Whether the keeper's call has what it keeps as its value."""
    return re.search(r"\.(?:_?register\w*|_own|own|_?track|_?takeOwnership|add)\($", head) is not None


def _behind(source: Source, call: N, intent: Intent, head: str, tail: str) -> tuple[Edit, ...] | Refusal:
    """The keeper gets the member in a statement of its own."""
    row = source.row(call)
    up = call.up
    if row is None or up is None or up.kind != "assignment_expression" or up.up is not row:
        return Refusal("no statement can stand behind it")
    return (source.after(row, [f"{head}{intent.place}{tail}"]),)
