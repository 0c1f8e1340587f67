"""The words of a review comment, short and below GitHub's limit. Untrusted text goes through `reports.markup`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from repairbot.github.links import Links
from repairbot.github.markers import Marker, State, identify
from repairbot.github.model import BODY_LIMIT
from repairbot.github.remarks import Remark
from repairbot.github.suggestions import Patch
from repairbot.model import Finding, Step
from repairbot.reports.filling import fill_template
from repairbot.reports.markup import Safe, clip, own, plain
from repairbot.reports.view import path_of, plural, why

STEPS: Final = 8
"""Of a path in a comment: what is read in ten seconds."""
_WORDS: Final = 400
_MOST: Final = 30


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


def fitting(remark: Remark, links: Links) -> Remark:
    """The same, without its repair where a comment has no room for it."""
    made = comment(remark, links)
    if len(made) <= BODY_LIMIT:
        return remark
    why = f"it is too long for a comment ({plural(made.count(chr(10)), 'line')})"
    return replace(remark, suggestion=None, patch=Patch("", why))


def comment(remark: Remark, links: Links, state: State = "open") -> Safe:
    """The body of a review comment with its marker. `fitting` makes it stay below GitHub's limit."""
    mark = Marker("finding", state, tuple(identify(finding) for finding in remark.findings[:_MOST])).line()
    remark = replace(remark, findings=tuple(brief(finding) for finding in remark.findings[:_MOST]))
    return own(f"{_comment(remark, links)}\n{mark}\n")


def _comment(remark: Remark, links: Links) -> Safe:
    carried = remark.patch is not None and not remark.patch.why_not
    unfit = remark.patch.why_not if remark.patch else ""
    because = f": it {plain(remark.why)}" if remark.why else ""
    return fill_template(
        "review_comment",
        leaks=[Leak(finding, _path(finding, links)) for finding in remark.findings],
        suggestion="".join(f"{line}\n" for line in remark.suggestion.lines) if remark.suggestion else "",
        waits=remark.waits,
        patch=remark.patch.text if remark.patch else "",
        patch_title=own(
            f"The whole repair, for <code>git apply</code>{because}"
            if carried
            else "The whole repair, to read"
        ),
        patch_note=own(f"`repairbot fix` writes it: {plain(unfit)}.") if unfit else "",
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
    if remark.suggestion is None:
        title = plain(fix.title.rstrip("."), name)
        parts.append(f"{title[:1].upper()}{title[1:]}.")
    if fix.safety == "unsafe":
        parts.append(f"Your choice: {plain((fix.choice or fix.title).rstrip('.'), name)}.")
    label, reason = why(finding)
    if reason:
        parts.append(f"{label.capitalize()}: {plain(reason.rstrip('.'), name)}.")
    passed = [check.name for check in fix.checks if check.result == "passed"]
    if passed:
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


def reason(text: str) -> Safe:
    """A reason that others may have written, as Markdown."""
    return plain(clip(text, 300))
