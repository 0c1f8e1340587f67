"""The report for a terminal: one finding in a few lines, a diff where it is asked for, one line of totals."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final, Literal

from repairbot.model import Audit, FileResult, Finding, Fix, Outcome, Severity
from repairbot.reports import Options
from repairbot.reports.hunks import DiffError, hunks, parse
from repairbot.reports.markup import clip, visible
from repairbot.reports.view import also, path_of, plural, reasons, why

Style = Literal["bold", "dim", "red", "green", "yellow", "cyan"]
_STYLES: Final[dict[Style, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}
_SEVERITY_STYLE: Final[dict[Severity, Style]] = {"high": "red", "medium": "yellow", "low": "dim"}


class Ink:
    """Colours by hand; without colour every text comes back as it is."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, style: Style, text: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._colour and text else text


def _path(finding: Finding, width: int, ink: Ink) -> Iterator[str]:
    steps = path_of(finding)
    digits = max((len(str(step.line)) for step in steps), default=0)
    codes = [clip(visible(step.code), max(width - digits - 30, 20)) for step in steps]
    column = max((len(code) for code in codes), default=0)
    for step, code in zip(steps, codes, strict=True):
        if step.line:
            shown = f"{code:<{column}}  " if column else ""
            yield f"    {ink('dim', f'{step.line:>{digits}}')}  {shown}{visible(step.note)}"
        else:
            yield f"    {visible(step.note)}"


def _diff(diff: str, ink: Ink) -> Iterator[str]:
    colours: dict[str, Style] = {"+": "green", "-": "red"}
    try:
        parts = hunks(parse(diff), context=1)
    except DiffError as error:
        yield f"  the diff cannot be shown: {error}"
        return
    for old, _, lines in parts:
        if len(parts) > 1:
            yield "  " + ink("dim", f"at line {old}")
        for line in lines:
            text = visible(line.rstrip("\r\n"), keep="\t")
            style = colours.get(line[0])
            yield "  " + (ink(style, text) if style else text)


def _wrapped(text: str, width: int, indent: str = "  ", hanging: str = "  ") -> list[str]:
    return wrap(
        visible(text),
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _finding(finding: Finding, audit: Audit, options: Options, ink: Ink) -> Iterator[str]:
    fix = finding.fix
    grade = [ink(_SEVERITY_STYLE[finding.severity], finding.severity), fix.safety if fix else "no repair"]
    if finding.confidence != "high":
        grade.insert(1, f"{finding.confidence} confidence")
    place = f"{visible(finding.path)}:{finding.line}"
    yield f"{ink('bold', place)}  {ink('cyan', visible(finding.rule))}  {', '.join(grade)}"
    yield from _wrapped(finding.message, options.width)
    yield from _path(finding, options.width, ink)
    if fix is not None:
        for line in _repair(finding, fix, audit, options):
            yield from _wrapped(line, options.width, hanging="    ")
        if options.diff and fix.diff:
            yield ""
            yield from _diff(fix.diff, ink)
            yield ""
    elif options.verbose:
        for refusal in finding.refusals or ("no repair is known for this shape",):
            yield from _wrapped(f"no repair: {refusal}", options.width, hanging="    ")


def _repair(finding: Finding, fix: Fix, audit: Audit, options: Options) -> Iterator[str]:
    """What the repair is, why it is that, what became of it, and how it was checked."""
    label, reason = why(finding)
    if reason:
        yield f"{label}: {reason}"
    if fix.choice:
        yield f"your choice: {fix.choice}"
    if audit.mode == "audit":
        yield f"repair: {fix.title}"
    elif finding.applied:
        yield f"{'would be repaired' if audit.dry else 'repaired'}: {fix.title}"
    else:
        refused = f" ({finding.refusals[-1]})" if finding.refusals else ""
        yield f"not applied: {fix.title}{refused}"
    if passed := [check.name for check in fix.checks if check.result == "passed"]:
        yield f"checked: {' · '.join(passed)}"
    for check in fix.checks:
        if check.result == "failed" or (options.verbose and check.result == "not run"):
            yield f"{check.result}: {check.name}{f' ({check.detail})' if check.detail else ''}"


def _details(audit: Audit, options: Options, ink: Ink) -> Iterator[str]:
    """What only `--verbose` tells: files left aside, functions passed over, places verified."""
    for file in audit.files:
        path = visible(file.path)
        if file.outcome is Outcome.SKIPPED:
            yield f"{path}  {ink('dim', 'skipped')}  {visible(file.reason)}"
        for note in file.notes:
            yield f"{path}:{note.line}  {ink('dim', 'note')}  {visible(note.note)}"
        for safe in file.safe_patterns:
            what = f"{visible(safe.symbol)}: {visible(safe.pattern)}; {visible(safe.reason)}"
            yield f"{path}:{safe.line}  {ink('green', 'verified safe')}  {what}"
    if audit.unknown:
        yield f"tracking stopped at {plural(audit.unknown, 'place')} where the owner is not known"


def _why(audit: Audit, outcome: Outcome) -> str:
    found = reasons(audit, outcome)
    shown = [
        f"{count:,} {visible(clip(why, 60))}" if count > 1 else visible(clip(why, 60))
        for why, count in found[:3]
    ]
    if len(found) > 3:
        shown.append(f"{len(found) - 3:,} other reasons")
    return f" ({', '.join(shown)})" if shown else ""


def _could_be(file: FileResult) -> bool:
    """Whether a repair was offered for the file and nobody wanted it."""
    return any(finding.fix is not None and finding.fix.safety == "safe" for finding in file.findings)


def totals(audit: Audit, options: Options) -> str:
    """The last line: how every file ended, and what was left aside."""
    findings = audit.findings
    repaired, reported = audit.count(Outcome.REPAIRED), audit.count(Outcome.REPORTED)
    parts: list[str] = []
    if audit.mode == "fix":
        if repaired:
            parts.append(f"{repaired:,} {'would be repaired' if audit.dry else 'repaired'}")
        hint = "" if options.verbose else " (why: --verbose)"
        left = sum(file.outcome is Outcome.REPORTED and _could_be(file) for file in audit.files)
        if left:
            parts.append(f"{left:,} left as it is" if left == 1 else f"{left:,} left as they are")
        if reported - left:
            parts.append(f"{reported - left:,} reported without a repair{hint}")
    elif repaired + reported:
        parts.append(f"{repaired + reported:,} with {plural(len(findings), 'leak')}")
    if clean := audit.count(Outcome.CLEAN):
        parts.append(f"{clean:,} clean")
    for outcome in (Outcome.SKIPPED, Outcome.FAILED):
        if count := audit.count(outcome):
            parts.append(f"{count:,} {outcome}{_why(audit, outcome) if outcome is Outcome.SKIPPED else ''}")
    line = f"{plural(len(audit.files), 'file')}: {', '.join(parts) or 'nothing to look at'}"
    if aside := also(audit):
        line += f"; {', '.join(aside)}"
    safe = sum(finding.fix is not None and finding.fix.safety == "safe" for finding in findings)
    unsafe = sum(finding.fix is not None and finding.fix.safety == "unsafe" for finding in findings)
    if audit.mode == "audit" and safe:
        line += f"\n{plural(safe, 'leak')} can be repaired: repairbot fix"
    if unsafe and not options.unsafe:
        line += f"\n{plural(unsafe, 'repair')} would choose for you: --unsafe-fixes"
    return line


def render(audit: Audit, options: Options) -> str:
    """The whole report. With `quiet` only what failed and the totals of what was found."""
    ink = Ink(options.colour)
    out: list[str] = []
    if not options.quiet:
        for file in audit.files:
            for finding in file.findings:
                out += _finding(finding, audit, options, ink)
        if options.verbose:
            out += _details(audit, options, ink)
    for file in audit.files:
        if file.outcome is Outcome.FAILED:
            out.append(f"{visible(file.path)}  {ink('red', 'failed')}  {visible(file.reason)}")
    out += [f"{ink('red', 'problem')}  {visible(problem)}" for problem in audit.problems]
    if not options.quiet or out or audit.findings:
        out.append(totals(audit, options))
    return "".join(f"{line}\n" for line in out)
