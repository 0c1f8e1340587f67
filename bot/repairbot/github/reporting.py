"""The report on a pull request and what its check run says, each below GitHub's limit.

What does not fit is cut from the least severe on, counted, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from repairbot.github.links import Links
from repairbot.github.markers import Marker, identify
from repairbot.github.model import BODY_LIMIT, CHECK_LIMIT, LeftOut
from repairbot.github.texts import brief
from repairbot.model import Audit, Finding, Outcome
from repairbot.reports import Options, words
from repairbot.reports.filling import fill_template
from repairbot.reports.markdown import appendix, finding_block, fit, row
from repairbot.reports.markup import Safe, cell, cell_code, clip, code, own, plain
from repairbot.reports.view import plural, sort

ROWS: Final = 20
"""Of the table on top: what is read in ten seconds."""
_MARGIN: Final = 1_200
"""Room for frames, for the marker, and for saying what was left out."""


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


def ticked(body: str, earlier: str) -> str:
    """A report in which the boxes that people ticked in an earlier one stay ticked."""
    done = {line.rstrip() for line in earlier.splitlines() if line.startswith("- [x] ")}
    lines = body.split("\n")
    return "\n".join(
        line.replace("[ ]", "[x]", 1)
        if line.startswith("- [ ] ") and line.replace("[ ]", "[x]", 1) in done
        else line
        for line in lines
    )


def summary(told: Told) -> Safe:
    """What the check run says, below GitHub's limit (which is taken to count bytes: that is always enough)."""
    if not told.ours and not told.others:
        return own(f"{clean(told)}\n{_listed(_notes(told))}")
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


@dataclass(slots=True)
class _Layout:
    """What goes into the report, taken in by importance while there is room."""

    told: Told
    heading: Safe
    status: Safe
    rows: list[Safe] = field(default_factory=list)
    blocks: list[Safe] = field(default_factory=list)
    lines: list[Safe] = field(default_factory=list)
    near: list[Safe] = field(default_factory=list)
    appendix: Safe = field(default_factory=lambda: own(""))
    hidden: int = 0
    lost: list[str] = field(default_factory=list)

    def text(self) -> Safe:
        told = self.told
        notes = _notes(told)
        if self.hidden:
            notes.append(own(f"{plural(self.hidden, 'leak')}: no room here"))
        if far := len(told.others) - len(self.near):
            notes.append(own(f"{plural(far, 'leak')} in the files you touched: no room here"))
        if self.lost:
            notes.append(own(f"{', '.join(self.lost)}: no room here"))
        return fill_template(
            "review_report",
            heading=self.heading,
            rows=self.rows,
            notes=notes,
            blocks=self.blocks,
            lines=self.lines,
            uncommented=len(told.bare),
            others=self.near,
            others_count=len(told.others),
            appendix=self.appendix,
            status=self.status,
        )


def _report(told: Told, limit: int, size: Callable[[str], int], *, full: bool) -> Safe:
    """The report (`full`: with everything that the page has no other place for) or the summary."""
    audit, others = _narrowed(told.audit, told.ours), _narrowed(told.audit, told.others)
    heading = words.heading(audit, sort(audit, Options())) if told.ours else clean(told)
    page = _Layout(told, heading, _status(told))

    def cost(piece: Safe) -> int:
        return size(piece) + 2

    room = limit - _MARGIN - size(page.text())
    top = told.ours[:ROWS] if full else told.ours
    page.rows, room = fit((_row(f, audit, told.links) for f in top), room, cost)
    seen = {*top[: len(page.rows)]}
    if full:
        bare = told.bare
        blocks = (_block(finding, number, audit) for number, finding in enumerate(bare, 1))
        page.blocks, room = fit(blocks, room, cost, 0.6)
        rest = bare[len(page.blocks) :]
        page.lines, room = fit((_line(finding, audit) for finding in rest), room, cost, 0.6)
        seen |= {*bare[: len(page.blocks) + len(page.lines)], *set(told.ours) - set(bare)}
    page.near, room = fit((_row(f, others, told.links) for f in told.others), room, cost, 0.8)
    if full:
        page.appendix, page.lost = appendix(audit, Options(limit=max(room, 0)))
    page.hidden = sum(finding not in seen for finding in told.ours)
    return page.text()


def _line(finding: Finding, audit: Audit) -> Safe:
    """A finding without a comment in one line."""
    cells = row(brief(finding), audit, Options())
    said = f"{plain(cells.what, cells.name)}: {plain(cells.repair)}"
    return own(f"- {finding.severity} {code(clip(cells.place, 300))} {said} · {code(identify(finding)[:8])}")


def _block(finding: Finding, number: int, audit: Audit) -> Safe:
    """A finding without a comment in full, with the command that dismisses it."""
    command = code(f"/repairbot dismiss {identify(finding)[:8]}")
    return own(
        f"{finding_block(brief(finding), number, audit, Options(), whole=False)}\n<sub>{command}</sub>\n"
    )


def _row(finding: Finding, audit: Audit, links: Links) -> Safe:
    cells = row(brief(finding), audit, Options())
    place = cell_code(clip(cells.place, 300))
    link = links.line(finding.path, finding.line)
    where = f"[{place}]({link})" if link else place
    return own(
        f"| {finding.severity} | {where} | {cell(cells.what, cells.name)} | {cell(cells.repair, cells.name)} |"
    )


def _notes(told: Told) -> list[Safe]:
    return [own(f"{plural(each.number, each.what)}: {each.why}") for each in told.left_out]


def _listed(notes: Iterable[str]) -> str:
    lines = "".join(f"- {note}\n" for note in notes)
    return f"\n{lines}" if lines else ""


def _status(told: Told) -> Safe:
    audit = _narrowed(told.audit, told.ours)
    said = words.status(audit, sort(audit, Options())).rstrip(".")
    parts = [said] if said else []
    parts += [_dismissed(told.dismissed)] if told.dismissed else []
    return own(f"Status: {_sentence(parts)}" if parts else "")
