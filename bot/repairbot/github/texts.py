"""The words of a review: comments, the report, the check run. Untrusted text goes through `reports.markup`.

Each text stays below GitHub's limit; what does not fit is cut from the least severe on, counted, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from repairbot.github.links import Links
from repairbot.github.markers import Marker, State, identify
from repairbot.github.model import BODY_LIMIT, CHECK_LIMIT, LeftOut
from repairbot.github.remarks import Remark
from repairbot.model import Audit, Finding, Outcome, Step
from repairbot.reports import Options, words
from repairbot.reports.filling import fill_template
from repairbot.reports.markdown import appendix, finding_block, row
from repairbot.reports.markup import Safe, cell, cell_code, clip, code, own, plain
from repairbot.reports.view import path_of, plural, sort, why

STEPS: Final = 8
"""Of a path in a comment: what is read in ten seconds."""
ROWS: Final = 20
_WORDS: Final = 400
_MOST: Final = 30
_MARGIN: Final = 800
"""Room for saying what was left out, and for the marker."""


def brief(finding: Finding) -> Finding:
    """The finding with words that stay short, whatever names the source holds: a comment has room for all of it."""
    fix = finding.fix and replace(
        finding.fix,
        title=clip(finding.fix.title, _WORDS),
        choice=clip(finding.fix.choice, _WORDS),
        why=clip(finding.fix.why, _WORDS),
        checks=tuple(
            check._replace(name=clip(check.name, 80), detail=clip(check.detail, 120))
            for check in finding.fix.checks[:_MOST]
        ),
    )
    witness, evidence = (
        tuple(Step(step.line, clip(step.note, 160), clip(step.code, 160)) for step in steps[:_MOST])
        for steps in (finding.witness, finding.evidence)
    )
    return replace(
        finding,
        rule=clip(finding.rule, 80),
        symbol=clip(finding.symbol, 120),
        variable=clip(finding.variable, 120),
        message=clip(finding.message, _WORDS),
        witness=witness,
        evidence=evidence,
        fix=fix,
        refusals=tuple(clip(why, _WORDS) for why in finding.refusals[:3]),
    )


class Leak(NamedTuple):
    """A finding as a comment says it. `path`: its steps, each with a link to its line."""

    finding: Finding
    path: Safe


def comment(remark: Remark, links: Links, state: State = "open") -> Safe:
    """The body of a review comment with its marker, below GitHub's limit."""
    mark = Marker("finding", state, tuple(identify(finding) for finding in remark.findings[:_MOST])).line()
    remark = replace(remark, findings=tuple(brief(finding) for finding in remark.findings[:_MOST]))
    text = _comment(remark, links)
    if len(text) + len(mark) + 2 > BODY_LIMIT:
        length = plural(text.count("\n"), "line")
        too_long = own(f"The repair is too long for a comment ({length}): `repairbot fix` writes it.")
        text = _comment(replace(remark, suggestion=None, patch=None), links, too_long)
    return own(f"{text}\n{mark}\n")


def _comment(remark: Remark, links: Links, note: Safe | None = None) -> Safe:
    first, fix = remark.findings[0], remark.findings[0].fix
    carried = remark.patch is not None and not remark.patch.why_not
    unfit = remark.patch.why_not if remark.patch else ""
    because = f": it {plain(remark.why)}" if remark.why else ""
    return fill_template(
        "review_comment",
        leaks=[Leak(finding, _path(finding, links)) for finding in remark.findings],
        suggestion="".join(f"{line}\n" for line in remark.suggestion.lines) if remark.suggestion else "",
        waits=remark.waits,
        title=fix.title.rstrip(".") if fix else "",
        name=first.variable,
        patch=remark.patch.text if remark.patch else "",
        patch_title=own(
            f"The whole repair, for <code>git apply</code>{because}"
            if carried
            else "The whole repair, to read"
        ),
        patch_note=note or (own(f"`repairbot fix` writes it: {plain(unfit)}.") if unfit else ""),
        said=_said(remark),
        rules=list(dict.fromkeys(finding.rule for finding in remark.findings)),
    )


def _path(finding: Finding, links: Links) -> Safe:
    steps = path_of(finding)
    said = [_step(finding, step.line, step.note, links) for step in steps[:STEPS]]
    if len(steps) > STEPS:
        said.append(f"{len(steps) - STEPS} more")
    return own(" → ".join(part for part in said if part))


def _step(finding: Finding, line: int, note: str, links: Links) -> str:
    words_of_it = plain(note, finding.variable)
    if not line:
        return words_of_it
    link = links.line(finding.path, line)
    return f"[{line}]({link}) {words_of_it}" if link else f"{line} {words_of_it}"


def _said(remark: Remark) -> Safe:
    """What the repair chooses, why it is this one, and what was checked; or why there is none."""
    finding, fix = remark.findings[0], remark.findings[0].fix
    name = finding.variable
    if fix is None:
        refusals = "; ".join(plain(text.rstrip("."), name) for text in finding.refusals)
        return own(f"No repair: {refusals}." if refusals else "No repair is known.")
    parts = []
    if remark.suggestion is None and not remark.waits:
        parts.append(
            f"{plain(fix.title.rstrip('.'), name)[:1].upper()}{plain(fix.title.rstrip('.'), name)[1:]}."
        )
    if fix.safety == "unsafe":
        parts.append(f"Your choice: {plain((fix.choice or fix.title).rstrip('.'), name)}.")
    label, reason = why(finding)
    if reason:
        parts.append(f"{label.capitalize()}: {plain(reason.rstrip('.'), name)}.")
    passed = [check.name for check in fix.checks if check.result == "passed"]
    if passed and not remark.waits:
        parts.append(f"Checked: {plain(', '.join(passed))}.")
    parts += [
        f"{check.result.capitalize()}: {plain(check.name)}{f' ({plain(check.detail)})' if check.detail else ''}."
        for check in fix.checks
        if check.result != "passed"
    ]
    if fix.safety == "safe":
        parts.append("Behaviour stays.")
    return own(" ".join(parts))


def marked(body: str, state: State, ids: tuple[str, ...], note: str = "") -> Safe:
    """A body of ours with another marker, and a note of ours above it. Its suggestion, if any, goes with the note:
    what is gone must not be applied."""
    lines = body.rstrip().split("\n")[:-1]
    if note:
        # The heads alone: everything from the first fence or fold on spoke of the repair.
        kept = next(
            (i for i, line in enumerate(lines) if line.startswith(("```", "<details>", "<sub>"))), len(lines)
        )
        lines = [*"\n".join(lines[:kept]).rstrip().split("\n"), "", note]
    text = "\n".join(lines).rstrip()
    return own(f"{text}\n\n{Marker('finding', state, ids).line()}\n")


class Told(NamedTuple):
    """All that the report and the check run speak of.

    `ours`: findings that the change is answerable for; `bare`: those of them without a comment. `notes`:
    sentences on what was left out and why. `unseen`: threads of which nothing is known now.
    """

    audit: Audit
    links: Links
    ours: Sequence[Finding]
    bare: Sequence[Finding]
    others: Sequence[Finding]
    dismissed: int
    left_out: Sequence[LeftOut]
    unseen: int = 0


def report(told: Told) -> Safe:
    """The report comment, below GitHub's limit."""
    mark = Marker("report", "open" if told.ours else "clear").line()
    text = _nothing_left(told) if not told.ours else _report(told, BODY_LIMIT - len(mark) - 2, len, full=True)
    return own(f"{text}\n{mark}\n")


def summary(told: Told) -> Safe:
    """What the check run says, below GitHub's limit (which is taken to count bytes: that is always enough)."""
    if not told.ours and not told.others:
        return own(f"{clean(told)}\n{_listed(_notes(told, 0, 0))}")
    return _report(told, CHECK_LIMIT, _bytes, full=False)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def title(told: Told) -> str:
    """The check run's title, plain text."""
    if not told.ours:
        return str(clean(told))
    fixes = sum(finding.fix is not None for finding in told.ours)
    return (
        f"{plural(len(told.ours), 'leak')}, {fixes:,} with a repair"
        if fixes
        else plural(len(told.ours), "leak")
    )


def clean(told: Told) -> Safe:
    """ "14 files, no leaks, 1.2 s", with what could not be looked at."""
    audit = told.audit
    looked = sum(file.outcome not in (Outcome.FAILED, Outcome.SKIPPED) for file in audit.files)
    parts = [plural(looked, "file"), "no leaks" if not told.others else "nothing new"]
    parts += [f"{audit.count(o):,} {o.value}" for o in (Outcome.SKIPPED, Outcome.FAILED) if audit.count(o)]
    parts += [plural(len(audit.problems), "problem")] if audit.problems else []
    return own(", ".join([*parts, f"{audit.seconds:.1f} s"]))


def _nothing_left(told: Told) -> Safe:
    """What the report says when everything is gone; it does not change with later pushes."""
    parts = ["### Leak audit: nothing left\n"]
    if told.unseen:
        parts.append(
            f"Nothing is found now, but {plural(told.unseen, 'comment')} above could not be looked at again: its file "
            "failed or was skipped."
        )
    else:
        parts.append("What was found in this pull request is gone or was dismissed.")
    if told.dismissed:
        parts.append(f"\n{_sentence([_dismissed(told.dismissed)])}")
    return own("\n".join(parts) + "\n")


def _sentence(parts: Iterable[str]) -> str:
    return "; ".join(parts) + "."


def _dismissed(count: int) -> str:
    return f"{count:,} dismissed"


def _narrowed(audit: Audit, findings: Iterable[Finding]) -> Audit:
    kept = set(findings)
    return replace(
        audit,
        files=tuple(
            replace(file, findings=tuple(finding for finding in file.findings if finding in kept))
            for file in audit.files
        ),
    )


def _report(told: Told, limit: int, size: Callable[[str], int], *, full: bool) -> Safe:
    """The report (`full`) or the summary: first all rows, then what room there is for the rest, in this order:
    findings without a comment in full, what stands near, the folded audit."""
    audit = _narrowed(told.audit, told.ours)
    options = Options()
    rows = [_row(finding, audit, told.links) for finding in told.ours[:ROWS]]
    heading = words.heading(audit, sort(audit, options)) if told.ours else clean(told)
    others = _narrowed(told.audit, told.others)
    near = [_row(finding, others, told.links) for finding in told.others]
    bare = (_block(finding, number, audit) for number, finding in enumerate(told.bare, 1))
    status = _status(told)

    def text(shown: int, blocks: list[Safe], rest: int, tail: Safe, more: Sequence[str] = ()) -> Safe:
        return fill_template(
            "review_report",
            heading=heading,
            rows=rows[:shown],
            notes=[*_notes(told, len(told.ours) - shown, len(near) - rest), *map(own, more)],
            blocks=blocks,
            uncommented=len(told.bare),
            others=near[:rest],
            others_count=len(near),
            appendix=tail,
            status=status,
        )

    shown = _most(len(rows), lambda count: size(text(count, [], 0, own(""))) < limit - _MARGIN)
    room = limit - _MARGIN - size(text(shown, [], 0, own("")))
    blocks, used = [], 0
    for block in bare if full else ():
        if used + size(block) + 1 > room * 0.6:
            break
        blocks.append(block)
        used += size(block) + 1
    cut = [plural(len(told.bare) - len(blocks), "leak") + " without a comment in a line of the table alone"]
    more = cut if full and len(blocks) < len(told.bare) else []
    rest = _most(len(near), lambda count: size(text(shown, blocks, count, own(""), more)) < limit - _MARGIN)
    room = limit - _MARGIN - size(text(shown, blocks, rest, own(""), more))
    tail, lost = appendix(audit, replace(options, limit=room)) if full and room > 0 else (own(""), [])
    more += [f"left out for want of room: {', '.join(lost)}"] if lost else []
    return text(shown, blocks, rest, tail, more)


def _block(finding: Finding, number: int, audit: Audit) -> Safe:
    """A finding without a comment in full, with the command that dismisses it."""
    command = code(f"/repairbot dismiss {identify(finding)[:8]}")
    return own(
        f"{finding_block(brief(finding), number, audit, Options(), whole=False)}\n<sub>{command}</sub>\n"
    )


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The greatest number up to `count` that fits (a smaller one fits too), by halving."""
    if fits(count):
        return count
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _row(finding: Finding, audit: Audit, links: Links) -> Safe:
    cells = row(brief(finding), audit, Options())
    place = cell_code(clip(cells.place, 300))
    link = links.line(finding.path, finding.line)
    where = f"[{place}]({link})" if link else place
    return own(
        f"| {finding.severity} | {where} | {cell(cells.what, cells.name)} | {cell(cells.repair, cells.name)} |"
    )


def _notes(told: Told, unshown: int, unlisted: int) -> list[Safe]:
    notes = [own(f"{plural(each.number, each.what)}: {each.why}") for each in told.left_out]
    if unshown:
        notes.append(own(f"{unshown:,} more of these leaks: no room in this table"))
    if unlisted:
        notes.append(own(f"{unlisted:,} more leaks in the files you touched: no room here"))
    return notes


def _listed(notes: Iterable[str]) -> str:
    lines = "".join(f"- {note}\n" for note in notes)
    return f"\n{lines}" if lines else ""


def _status(told: Told) -> Safe:
    audit = _narrowed(told.audit, told.ours)
    said = words.status(audit, sort(audit, Options())).rstrip(".")
    parts = [said] if said else []
    parts += [_dismissed(told.dismissed)] if told.dismissed else []
    return own(f"Status: {_sentence(parts)}" if parts else "")


def reason(text: str) -> Safe:
    """A reason that others may have written, as Markdown."""
    return plain(clip(text, 300))
