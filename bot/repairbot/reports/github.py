"""Workflow commands, by which a step of GitHub Actions annotates files.

A step shows at most ten annotations of each kind, so the worst come first and the last one counts the rest.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from typing import Final, Literal

from repairbot.model import SEVERITIES, Audit, Finding, Outcome, Severity
from repairbot.reports import Options
from repairbot.reports.markup import clip, visible
from repairbot.reports.terminal import totals
from repairbot.reports.view import by_severity, plural

Kind = Literal["error", "warning", "notice"]
KINDS: Final[dict[Severity, Kind]] = {"high": "error", "medium": "warning", "low": "notice"}
MOST: Final = 10
_LONGEST: Final = 4_000


def escape(text: str) -> str:
    """The text as the message of a command: one line for the runner, whatever it holds."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """The text as the value of a command's property, which a colon or comma would end."""
    return escape(text).replace(":", "%3A").replace(",", "%2C")


def command(kind: Kind, message: str, **properties: str | int) -> str:
    """One workflow command, as `::error file=a.py,line=3::message`."""
    listed = ",".join(f"{name}={escape_property(str(value))}" for name, value in properties.items())
    return f"::{kind}{' ' + listed if listed else ''}::{escape(message)}"


def _message(finding: Finding) -> str:
    said = [visible(finding.message)]
    said += [f"  {step.line}  {visible(step.note)}" for step in finding.witness if step.line]
    if finding.fix is not None:
        said.append(f"Repair ({finding.fix.safety}): {visible(finding.fix.title)}")
    return clip("\n".join(said), _LONGEST)


def _command(finding: Finding) -> str:
    return command(
        KINDS[finding.severity],
        _message(finding),
        file=visible(finding.path),
        line=finding.line,
        endLine=max(finding.end_line, finding.line),
        title=visible(finding.rule),
    )


def render(audit: Audit, options: Options) -> str:
    """The commands, and the totals as a plain line of the log; empty when nothing was found or failed."""
    failed = [file for file in audit.files if file.outcome is Outcome.FAILED]
    out: list[str] = []
    for severity in SEVERITIES:
        findings = [finding for finding in by_severity(audit.findings) if finding.severity == severity]
        # Ten alone are ten; of more, nine are shown and the tenth says how many there are.
        shown = findings if len(findings) <= MOST else findings[: MOST - 1]
        out += [_command(finding) for finding in shown]
        if rest := len(findings) - len(shown):
            out.append(
                command(
                    KINDS[severity], f"{plural(rest, 'more leak')} of severity {severity}: see the report"
                )
            )
    out += [f"failed: {visible(file.path)}: {visible(file.reason)}" for file in failed]
    out += [f"problem: {visible(problem)}" for problem in audit.problems]
    if out:
        out.append(totals(audit, options))
    # The runner still knows the old sign of a command, and takes it anywhere in a line.
    return "".join(f"{line.replace('##[', '## [')}\n" for line in out)
