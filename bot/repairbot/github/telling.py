"""What could not be posted, said elsewhere: in a step's summary and as annotations of its log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repairbot import reports
from repairbot.github.texts import reason
from repairbot.model import Audit, Finding
from repairbot.reports.markup import Safe, own


def annotated(audit: Audit, findings: Iterable[Finding]) -> str:
    """Workflow commands for some of an audit's findings, within what GitHub shows of a step."""
    kept = set(findings)
    files = tuple(
        replace(file, findings=tuple(finding for finding in file.findings if finding in kept))
        for file in audit.files
    )
    return reports.render("github", replace(audit, files=files))


def not_posted(refused: Iterable[str]) -> Safe:
    """The reasons as Markdown; "" without any."""
    rows = [f"- {reason(why)}" for why in refused]
    return own("\n".join(["", "Not posted:", "", *rows, ""]) if rows else "")
