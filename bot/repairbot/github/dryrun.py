"""A plan as text: exactly what would be posted, step by step, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.github.model import (
    CreateReport,
    CreateReview,
    DraftComment,
    EditComment,
    EditReport,
    MinimiseComment,
    Plan,
    PostCheckRun,
    ResolveThread,
    Step,
)
from repairbot.reports.markup import visible
from repairbot.reports.view import plural

_RULE = "-" * 78


def render(plan: Plan) -> str:
    """Every step with its whole text, in their order. Bodies stand between lines of hyphens, as they are sent."""
    lines = [line for step in plan.steps for line in _step(step)]
    if plan.skipped:
        lines.append(f"skipped: {visible(plan.skipped)}")
    lines += [f"left out: {plural(each.number, each.what)}: {each.why}" for each in plan.left_out]
    lines.append(_totals(plan))
    return "".join(f"{line}\n" for line in lines)


def _totals(plan: Plan) -> str:
    steps = plural(len(plan.steps), "step")
    counts = f"{len(plan.commented):,} commented, {len(plan.listed):,} in the report alone"
    near = f"{len(plan.others):,} in the files it touches, {len(plan.dismissed):,} dismissed"
    return f"{steps}: {counts}, {near}"


def _body(text: str) -> Iterator[str]:
    yield _RULE
    yield text.removesuffix("\n")
    yield _RULE


def _step(step: Step) -> Iterator[str]:
    match step:
        case CreateReview():
            yield f"create a review at {step.commit} with {plural(len(step.comments), 'comment')}"
            yield from _body(step.body) if step.body else ()
            for comment in step.comments:
                yield f"comment on {_place(comment)} ({plural(len(comment.body), 'character')})"
                yield from _body(comment.body)
        case EditComment():
            yield f"edit review comment {step.id}: {step.why}"
            yield from _body(step.body)
        case ResolveThread():
            yield f"resolve thread {step.thread}; where that is refused:"
            for each in step.otherwise:
                yield from (f"  {line}" for part in _step(each) for line in part.split("\n"))
        case MinimiseComment():
            yield f"minimise comment {step.node_id} as {step.classifier}"
        case CreateReport():
            yield f"create the report ({plural(len(step.body), 'character')})"
            yield from _body(step.body)
        case EditReport():
            yield f"edit the report, comment {step.id} ({plural(len(step.body), 'character')})"
            yield from _body(step.body)
        case PostCheckRun():
            yield from _check(step)


def _place(comment: DraftComment) -> str:
    lines = f"{comment.start_line}-{comment.line}" if comment.start_line else f"{comment.line}"
    return f"{visible(comment.path)}:{lines} {comment.side}"


def _check(step: PostCheckRun) -> Iterator[str]:
    verb = f"update check run {step.id}" if step.id else "create a check run"
    yield f"{verb} {step.name!r} at {step.head}: {step.conclusion}, {step.title}"
    yield from _body(step.summary)
    for number, batch in enumerate(step.annotations, 1):
        yield f"annotations, request {number} ({len(batch)}):"
        for each in batch:
            yield f"  {visible(each.path)}:{each.start_line}-{each.end_line} {each.level}: {each.title}"
            yield from (f"    {line}" for line in each.message.split("\n"))
            yield from (f"    {line}" for line in each.raw_details.removesuffix("\n").split("\n") if line)
    yield from (f"button {each.label!r} ({each.identifier}): {each.description}" for each in step.actions)
