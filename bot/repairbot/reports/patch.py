"""One unified diff of every fix that this run would apply, for `git apply`.

Fixes are put together file by file, the worst leak first. One that touches what another one changes is left
out, and the head of the patch says so: apply it and run again.
"""

from __future__ import annotations

from repairbot.model import Audit, FileResult, Finding
from repairbot.reports import Options
from repairbot.reports.hunks import DiffError, combine, parse, unified
from repairbot.reports.markup import visible
from repairbot.reports.view import applies, by_severity, plural


def _raw(text: str, encoding: str) -> str:
    """The text such that `reports.encode` writes the bytes that the file's own encoding has for it."""
    return text.encode(encoding, "surrogateescape").decode("utf-8", "surrogateescape")


def file_diff(
    file: FileResult, audit: Audit, options: Options
) -> tuple[str, tuple[tuple[Finding, str], ...]]:
    """The diff of all fixes of a file that this run would apply, and those left out with the reason."""
    left_out: list[tuple[Finding, str]] = []
    patches = []
    findings = []
    for finding in by_severity(file.findings):
        if finding.fix is None or not applies(finding, audit, options):
            continue
        try:
            patches.append(parse(finding.fix.diff))
            findings.append(finding)
        except DiffError as error:
            left_out.append((finding, f"its diff cannot be read: {error}"))
    combined = combine(patches)
    left_out += [(findings[index], "touches the lines of another repair") for index in combined.left_out]
    return unified(file.path, combined.patch), tuple(left_out)


def render(audit: Audit, options: Options) -> str:
    """The patch, with a line in front for each fix that is not in it; empty when nothing is to be said."""
    head: list[str] = []
    diffs: list[str] = []
    for file in audit.files:
        diff, left_out = file_diff(file, audit, options)
        try:
            diffs.append(_raw(diff, file.encoding))
        except (UnicodeEncodeError, LookupError):
            head.append(f"left out: {visible(file.path)}: its repairs cannot be written in {file.encoding!a}")
        head += [f"left out: {visible(f.path)}:{f.line} {visible(f.rule)}: {why}" for f, why in left_out]
    unsafe = sum(f.fix is not None and not applies(f, audit, options) for f in audit.findings)
    if unsafe:
        head.append(f"left out: {plural(unsafe, 'unsafe repair')}; --unsafe-fixes puts them in")
    return "".join(f"# {line}\n" for line in head) + "".join(diffs)
