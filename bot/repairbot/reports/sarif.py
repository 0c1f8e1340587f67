"""SARIF 2.1.0: results with their path (code flow), their repair and a fingerprint.

Regions of repairs are whole lines, taken from the diff: every viewer understands lines, and a report has no
source from which byte offsets could be turned into characters.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Literal
from urllib.parse import quote

from repairbot import __version__
from repairbot.lazily import regex
from repairbot.model import Audit, Finding, Fix, Outcome, Severity, Step
from repairbot.reports import Options, RuleInfo
from repairbot.reports.hunks import Change, DiffError, parse
from repairbot.reports.markup import visible

Json = dict[str, Any]
LEVELS: Final[dict[Severity, Literal["error", "warning", "note"]]] = {
    "high": "error",
    "medium": "warning",
    "low": "note",
}
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_LINK: Final = regex(r"[\[\]](?=[^\[\]]*\]\(|\()")
_PLACEHOLDER: Final = regex(r"\{(\d+)\}")


def _message(text: str) -> Json:
    """A message in which nothing is a link or a placeholder (3.11.5, 3.11.6 of the standard)."""
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", _LINK.sub(r"\\\g<0>", visible(text))) or "-"}


def _artifact(path: str) -> Json:
    return {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": _ROOT}


def _place(path: str, step: Step) -> Json:
    region: Json = {"startLine": max(step.line, 1)}
    if step.code:
        region["snippet"] = {"text": step.code}
    return {
        "physicalLocation": {"artifactLocation": _artifact(path), "region": region},
        "message": _message(step.note),
    }


def _replacement(change: Change) -> Json:
    end_line, end_column = change.end, 1
    if change.removed and not change.removed[-1].endswith("\n"):
        # The last line of a file that does not end in a line feed.
        end_line, end_column = change.end - 1, len(change.removed[-1]) + 1
    return {
        "deletedRegion": {
            "startLine": change.line,
            "startColumn": 1,
            "endLine": end_line,
            "endColumn": end_column,
        },
        "insertedContent": {"text": "".join(change.added)},
    }


def _fixes(path: str, fix: Fix) -> list[Json]:
    try:
        changes = parse(fix.diff).changes
    except DiffError:
        return []
    if not changes:
        return []
    return [
        {
            "description": _message(f"{fix.title} ({fix.safety})"),
            "artifactChanges": [
                {"artifactLocation": _artifact(path), "replacements": [_replacement(c) for c in changes]}
            ],
        }
    ]


def _result(finding: Finding, index: int, audit: Audit) -> Json:
    region: Json = {"startLine": max(finding.line, 1)}
    if finding.column > 0:
        region["startColumn"] = finding.column
    if finding.end_line > finding.line:
        region["endLine"] = finding.end_line
    location: Json = {"physicalLocation": {"artifactLocation": _artifact(finding.path), "region": region}}
    if finding.symbol:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(finding.symbol)}]
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": _message(finding.message),
        "locations": [location],
    }
    if finding.fingerprint:
        result["partialFingerprints"] = {"repairbot/v1": finding.fingerprint}
    if audit.base:
        result["baselineState"] = "new"
    if path := [{"location": _place(finding.path, step)} for step in finding.witness if step.line]:
        result["codeFlows"] = [{"threadFlows": [{"locations": path}]}]
    places = (_place(finding.path, step) for step in finding.evidence if step.line)
    if related := {json.dumps(place): place for place in places}:  # the standard wants no place twice
        result["relatedLocations"] = list(related.values())
    if finding.fix is not None and (fixes := _fixes(finding.path, finding.fix)):
        result["fixes"] = fixes
    result["properties"] = {
        "confidence": finding.confidence,
        "variable": finding.variable,
        "safety": finding.fix.safety if finding.fix else "no repair",
        "checks": [f"{check.name}: {check.result}" for check in finding.fix.checks] if finding.fix else [],
    }
    return result


def _rule(info: RuleInfo) -> Json:
    described: Json = {
        "id": info.id,
        "shortDescription": {"text": info.title or info.id},
        "defaultConfiguration": {"enabled": info.default, "level": LEVELS[info.severity]},
    }
    if info.page:
        described["fullDescription"] = {"text": info.page}
        described["help"] = {"text": info.page, "markdown": info.page}
    if info.languages:
        described["properties"] = {"tags": sorted(info.languages)}
    return described


def _notifications(audit: Audit) -> Iterable[Json]:
    """Files that were not looked at, and what else went wrong."""
    levels: dict[Outcome, str] = {Outcome.FAILED: "error", Outcome.SKIPPED: "note"}
    for file in audit.files:
        if file.outcome in levels:
            yield {
                "level": levels[file.outcome],
                "message": _message(f"{file.outcome.value}: {file.reason}"),
                "locations": [{"physicalLocation": {"artifactLocation": _artifact(file.path)}}],
            }
    for problem in audit.problems:
        yield {"level": "error", "message": _message(problem)}


def document(audit: Audit, options: Options) -> Json:
    """The log as plain data."""
    ids = sorted({finding.rule for finding in audit.findings} | set(options.rules))
    index = {name: number for number, name in enumerate(ids)}
    failed = audit.problems or audit.count(Outcome.FAILED)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "repairbot",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(options.rules.get(name, RuleInfo(name))) for name in ids],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not failed,
                        "toolExecutionNotifications": list(_notifications(audit)),
                    }
                ],
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the project"}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index[finding.rule], audit) for finding in audit.findings],
            }
        ],
    }


def render(audit: Audit, options: Options) -> str:
    """The log as text: ASCII alone."""
    return json.dumps(document(audit, options), indent=2) + "\n"
