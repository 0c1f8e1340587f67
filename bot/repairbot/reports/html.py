"""The report as one self-contained page: findings with their diffs, and what was measured, with curves.

Jinja2 escapes everything that was read; the curves are of figures and words of ours alone. No script, nothing
fetched from elsewhere, so the page may stand under a strict content policy and is read without a network.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from repairbot.model import Audit, Finding
from repairbot.reports import Options, measured, words
from repairbot.reports.markup import visible
from repairbot.reports.view import applies, path_of, sort, why

_DIFF_LINES: Final = 400


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("repairbot_templates", ""),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=lambda value: visible(value, "\n\t") if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "curve": lambda measurement: Markup(measured.svg(measurement)),
        "said": measured.said,
        "title": measured.title,
        "named": measured.named,
        "measured": measured.measured,
        "path_of": path_of,
        "id": id,
        "why": why,
        "diff_lines": _diff,
    }
    environment.filters |= {"prose": prose, "unstopped": lambda text: text.rstrip(".")}
    return environment


def prose(text: str) -> Markup:
    """A sentence in which what stands between backticks is code."""
    parts = [escape(visible(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:  # one backtick has no partner
        return escape(visible(text))
    marked = [Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)]
    return Markup("").join(marked)


def _diff(finding: Finding) -> list[tuple[str, str]]:
    """The lines of a fix with their kind, the file's names left out; the last says how many were cut."""
    lines = finding.fix.diff.splitlines()[2:] if finding.fix else []
    kinds = {"+": "added", "-": "removed", "@": "place"}
    found = [(kinds.get(line[:1], "same"), line) for line in lines[:_DIFF_LINES]]
    if len(lines) > _DIFF_LINES:
        found.append(("place", f"{len(lines) - _DIFF_LINES:,} more lines"))
    return found


def render(audit: Audit, options: Options) -> str:
    """The whole page."""
    view = sort(audit, options)
    proof = audit.proof
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            audit=audit,
            groups=[
                ("", [*view.repaired, *view.decide]),
                ("Other potential leaks", list(view.potential)),
            ],
            heading=words.heading(audit, view) if audit.findings else words.none_found(audit).strip(),
            repaired={id(finding) for finding in audit.findings if applies(finding, audit, options)},
            proof=proof,
            verdict=measured.heading(proof) if proof else "",
            conditions=measured.conditions(proof) if proof else "",
            shown=measured.shown(proof) if proof else (),
            rest=measured.quiet(proof) if proof else "",
            passed_over=[file for file in audit.files if file.reason],
        )
    )
