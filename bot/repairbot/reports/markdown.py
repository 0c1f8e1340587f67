"""The report in Markdown: the audit as a comment, a step summary or a file, below the limit of a comment.

Templates in `repairbot_templates` hold the form; what they print goes through `markup`. Where there is no
room for everything it is cut by severity, and what was left out is counted and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import field
from typing import Final, NamedTuple, TypeVar

from repairbot.lazily import dataclass
from repairbot.model import SEVERITIES, Audit, Finding, SafePattern
from repairbot.reports import Options, RuleInfo, measured, words
from repairbot.reports.filling import SHORT, fill_template
from repairbot.reports.hunks import DiffError, hunks, parse
from repairbot.reports.markup import Safe, cell, clip, code, own, plain
from repairbot.reports.rulepage import body, parts
from repairbot.reports.view import Sorted, applies, path_of, plural, sort, why

ROWS: Final = 20
"""Of the table on top: what is read in ten seconds. The others stand below it all the same."""
_DIFF_LINES: Final = 60
_DIFF_CHARACTERS: Final = 4_000
_MARGIN: Final = 600
"""Room for saying what was left out."""
T = TypeVar("T")


class Row(NamedTuple):
    """A finding in a table."""

    severity: str
    confidence: str
    place: str
    name: str
    what: str
    repair: str


class _Costs(NamedTuple):
    """A finding in the table of impact."""

    place: str
    growth: str
    before: str
    after: str


def _place(item: Finding | SafePattern) -> str:
    return f"{item.path}:{item.line}"


def row(finding: Finding, audit: Audit, options: Options, *, potential: bool = False) -> Row:
    """A finding as a row of a table, its texts not yet Markdown."""
    if finding.fix is None:
        repair = clip(finding.refusals[0], SHORT) if finding.refusals else "not known"
        repair = repair if potential else f"no repair: {repair}"
    elif applies(finding, audit, options):
        repair = f"{clip(finding.fix.title, SHORT)}, {finding.fix.safety}"
    else:
        repair = f"your choice: {clip(finding.fix.title, SHORT)}"
    what = clip(finding.message, 2 * SHORT)
    return Row(finding.severity, finding.confidence, _place(finding), finding.variable, what, repair)


def _diff(finding: Finding, whole: bool) -> tuple[str, int]:
    """Before and after without the names of the file, and how many lines were cut."""
    if finding.fix is None:
        return "", 0
    try:
        found = hunks(parse(finding.fix.diff))
    except DiffError:
        lines = finding.fix.diff.splitlines(keepends=True)
    else:
        lines = []
        for old, _, body_lines in found:
            lines += [f"@@ line {old} @@\n"] if len(found) > 1 else []
            lines += [line if line.endswith("\n") else line + "\n" for line in body_lines]
    kept = lines if whole else fit(lines[:_DIFF_LINES], _DIFF_CHARACTERS, len)[0]
    return "".join(kept), len(lines) - len(kept)


def finding_block(
    finding: Finding, number: int, audit: Audit, options: Options, *, whole: bool = True
) -> Safe:
    """One finding in full; `whole` False cuts a long diff. Ends in a line feed."""
    fix = finding.fix
    label, reason = why(finding)
    diff, diff_left_out = _diff(finding, whole)
    return fill_template(
        "finding",
        number=number,
        finding=finding,
        place=_place(finding),
        steps=path_of(finding),
        safety=fix.safety if fix else "no repair",
        became=words.became(audit) if applies(finding, audit, options) else own("Your choice"),
        label=label.capitalize(),
        why=reason,
        passed=[check for check in fix.checks if check.result == "passed"] if fix else [],
        others=[check for check in fix.checks if check.result != "passed"] if fix else [],
        diff=diff,
        diff_left_out=diff_left_out,
    )


def fit(items: Iterable[T], room: int, size: Callable[[T], int], part: float = 1.0) -> tuple[list[T], int]:
    """The items that fit into so many characters, and the room left.

    All of them, or else the first ones that fit into a part of the room: what comes later in the order never
    takes the place of what came first.
    """
    kept: list[tuple[T, int]] = []
    used = 0
    for item in items:
        kept.append((item, size(item)))
        used += kept[-1][1]
        if used > room:
            while kept and used > room * part:
                used -= kept.pop()[1]
            break
    return [item for item, _ in kept], room - used


def _cells(row: Iterable[str]) -> int:
    return sum(len(cell(text)) for text in row) + 24


@dataclass(slots=True)
class _Report:
    """Everything that goes into the template, whole or cut to the room there is."""

    audit: Audit
    options: Options
    view: Sorted
    rows: list[Row] = field(default_factory=list)
    blocks: list[tuple[str, Safe]] = field(default_factory=list)
    lines: list[Safe] = field(default_factory=list)
    potential: list[Row] = field(default_factory=list)
    impact: list[_Costs] = field(default_factory=list)
    safe: list[SafePattern] = field(default_factory=list)
    files: list[Safe] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def main(self) -> list[Finding]:
        """The findings that stand in full, worst first."""
        both = (*self.view.repaired, *self.view.decide)
        return sorted(both, key=lambda finding: SEVERITIES.index(finding.severity))

    def fill(self, room: int, whole: bool) -> None:
        """Take what fits into so many characters, the most important first, and note what did not."""
        audit, options, main = self.audit, self.options, self.main
        self.rows, room = fit((row(finding, audit, options) for finding in main[:ROWS]), room, _cells)
        blocks = (
            (finding.severity, finding_block(finding, number, audit, options, whole=whole))
            for number, finding in enumerate(main, 1)
        )
        self.blocks, room = fit(blocks, room, lambda block: len(block[1]) + 1, 0.6)
        self.lines, room = fit(
            map(self._line, main[len(self.blocks) :]), room, lambda line: len(line) + 3, 0.4
        )
        potential = (row(finding, audit, options, potential=True) for finding in self.view.potential)
        self.potential, room = fit(potential, room, _cells, 0.5)
        counts = Counter(finding.severity for finding in main[len(self.blocks) + len(self.lines) :])
        self.left_out = [
            f"{plural(counts[name], 'leak')} of severity {name}" for name in SEVERITIES if counts[name]
        ]
        if count := len(self.view.potential) - len(self.potential):
            self.left_out.append(plural(count, "potential leak"))
        self.left_out += self.fold(room)

    def fold(self, room: int) -> list[str]:
        """Take what fits of the folded part, and say what did not."""
        audit, main = self.audit, self.main
        costs = (_Costs(_place(finding), *_impact(finding)) for finding in main if finding.impact.growth)
        self.impact, room = fit(costs, room, _cells, 0.5)
        everywhere = [safe for file in audit.files for safe in file.safe_patterns]
        self.safe, room = fit(everywhere, room, lambda safe: len(_safe_line(safe)) + 3, 0.5)
        lines = list(words.files(audit))
        self.files, room = fit(lines, room, lambda line: len(line) + 3)
        costly = sum(bool(finding.impact.growth) for finding in main)
        left_out = []
        for count, one, many in (
            (costly - len(self.impact), "line of impact", "lines of impact"),
            (len(everywhere) - len(self.safe), "verified place", ""),
            (len(lines) - len(self.files), "line of the list of files", "lines of the list of files"),
        ):
            if count:
                left_out.append(plural(count, one, many))
        return left_out

    def _line(self, finding: Finding) -> Safe:
        cells = row(finding, self.audit, self.options)
        said = f"{plain(cells.what, cells.name)}: {plain(cells.repair)}"
        return own(f"- {finding.severity} {code(cells.place)} {said}")

    def text(self) -> Safe:
        grouped = [(name, [block for of, block in self.blocks if of == name]) for name in SEVERITIES]
        audit, view = self.audit, self.view
        return fill_template(
            "report",
            summary=self.summary(),
            measured=measurements(self.audit),
            limit=plural(self.options.limit, "character"),
            left_out=", ".join(self.left_out),
            findings=[(name, blocks) for name, blocks in grouped if blocks],
            lines=self.lines,
            potential=self.potential,
            potential_count=len(view.potential),
            appendix=self.appendix(),
            status=words.status(audit, view),
        )

    def appendix(self) -> Safe:
        audit = self.audit
        return fill_template(
            "appendix",
            safe=[_safe_line(safe) for safe in self.safe],
            safe_count=sum(len(file.safe_patterns) for file in audit.files),
            impact=self.impact,
            looked_at=words.looked_at(audit),
            checks=words.checks(audit),
            verify=words.verify(audit, self.view),
            accept=words.accept(audit, self.view),
            practices=words.practices(audit, self.options),
            files=self.files,
        )

    def summary(self) -> Safe:
        more = len(self.main) - len(self.rows)
        return fill_template(
            "summary", heading=words.heading(self.audit, self.view), rows=self.rows, more=more
        )


def _impact(finding: Finding) -> tuple[str, str, str]:
    return finding.impact.growth, finding.impact.before, finding.impact.after


def _safe_line(safe: SafePattern) -> Safe:
    symbol = f" in {code(safe.symbol)}" if safe.symbol else ""
    # A name alone or a piece of code is code; several words are a sentence with names in it.
    pattern = plain(safe.pattern) if " is " in safe.pattern else code(safe.pattern)
    return own(f"- {code(_place(safe))}{symbol}: {pattern} · {plain(safe.reason)}")


class _Measured(NamedTuple):
    """A measurement in a table."""

    title: str
    before: str
    after: str
    curve_before: str
    curve_after: str


_MOST_MEASUREMENTS: Final = 12


def measurements(audit: Audit) -> Safe:
    """What was measured before and after, as a short table; empty where nothing was."""
    proof = audit.proof
    if proof is None:
        return own("")
    shown = measured.shown(proof)
    rows = [
        _Measured(
            clip(measured.title(each), SHORT),
            clip(measured.said(each.before, each), SHORT),
            clip(measured.said(each.after, each), SHORT),
            *measured.sparklines(each),
        )
        for each in shown[:_MOST_MEASUREMENTS]
    ]
    lines = [f"{len(shown) - len(rows):,} more measurements"] if len(shown) > len(rows) else []
    named = [f for f in audit.findings if measured.measured(f, proof)][:_MOST_MEASUREMENTS]
    lines += [f"measured: `{finding.path}:{finding.line}`" for finding in named]
    lines += [f"not called: {clip(reason, 2 * SHORT)}" for reason in proof.not_called[:_MOST_MEASUREMENTS]]
    lines += [clip(note, 2 * SHORT) for note in proof.notes[:_MOST_MEASUREMENTS]]
    return fill_template(
        "measured",
        heading=plain(measured.heading(proof)),
        command=clip(proof.command, SHORT),
        conditions=measured.conditions(proof),
        rows=rows,
        lines=lines,
    )


def summary(audit: Audit, options: Options) -> str:
    """The heading and the short table alone: the top of a comment, or a step's summary."""
    if not audit.findings:
        return words.none_found(audit)
    report = _Report(audit, options, sort(audit, options))
    report.rows, _ = fit(
        (row(f, audit, options) for f in report.main[:ROWS]), options.limit - _MARGIN, _cells
    )
    return report.summary()


def render(audit: Audit, options: Options) -> str:
    """The whole report, below `options.limit` characters; one line when nothing was found."""
    if not audit.findings:
        return words.none_found(audit) + (f"\n{held}" if (held := measurements(audit)) else "")
    report = _Report(audit, options, sort(audit, options))
    empty = len(report.text())
    # Whole if that fits; if not, cut to what is left beside the fixed parts. The sizes of pieces are
    # estimates (rather too large, hence the double room at first); what is over in the end is taken off.
    report.fill(2 * options.limit, whole=True)
    text = report.text()
    room = options.limit - empty - _MARGIN
    while (len(text) >= options.limit or report.lines or report.left_out) and room > 0:
        report.fill(room, whole=False)
        text = report.text()
        if len(text) < options.limit:
            break
        room -= len(text) - options.limit + 1
    return text if len(text) < options.limit else summary(audit, options)


def appendix(audit: Audit, options: Options) -> tuple[Safe, list[str]]:
    """The folded part alone (verified places, impact, checks, steps, files), below `options.limit`; and what
    was left out for want of room. Empty without findings, or where there is no room even for its frame."""
    if not audit.findings:
        return own(""), []
    report = _Report(audit, options, sort(audit, options))
    room = options.limit - len(report.appendix())
    while room > 0:
        left_out = report.fold(room)
        text = own(measurements(audit) + report.appendix())
        if len(text) < options.limit:
            return text, left_out
        room -= len(text) - options.limit + 1
    return own(""), ["impact, checks, how to verify, all files"]


def rule_page(info: RuleInfo) -> str:
    """The page of one rule: its documentation and its examples."""
    return fill_template("rule", rule=info, body=body(info), parts=parts(info))
