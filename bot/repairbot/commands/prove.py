"""`repairbot prove`: the leak measured before and after, in two private worktrees."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from repairbot import languages, reports, wire
from repairbot.child import Process
from repairbot.commands.session import Session, common, opened, options
from repairbot.lazily import dataclass
from repairbot.model import Audit, Finding, Measurement, Proof
from repairbot.pipeline import Run, Sifted
from repairbot.proof import ProofError
from repairbot.proof.detectors import walk
from repairbot.proof.judging import names
from repairbot.proof.session import Bench, chosen
from repairbot.proof.worktrees import AFTER, BEFORE, Worktrees, commits
from repairbot.repairing import gather, repair
from repairbot.reports import measured
from repairbot.sources.place import relative
from repairbot.sources.revisions import Objects, Revision
from repairbot.writing import write_new

FORMATS = {".json": "json", ".html": "html", ".md": "markdown"}


@dataclass(frozen=True, slots=True)
class Variant:
    """One after-side: the files that differ (paths from the repository's top) and what they repair."""

    subject: str
    contents: Mapping[str, bytes]
    repaired: int


def _detectors() -> str:
    return "\b\nDetectors:\n" + "\n".join(f"  {name:10} {each.ABOUT}" for name, each in walk().items())


@click.command(epilog=_detectors())
@common
@click.option("--run", "command", metavar="COMMAND", help="What to run in both worktrees, by a shell.")
@click.option(
    "--auto", is_flag=True, help="Call the function of each finding by itself, in a generated harness."
)
@click.option("--base", metavar="REV", help="Before is this revision, after the working tree as it is.")
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="After: also fixes that choose for you.")
@click.option("--one-by-one", is_flag=True, help="Measure each fix by itself.")
@click.option("--allow-dirty", is_flag=True, help="Take uncommitted changes along.")
@click.option("--setup", metavar="COMMAND", help="Run once in each worktree first (build, install).")
@click.option(
    "--each", default="", metavar="REGEX", help="A line of output with this ends an iteration (flush it)."
)
@click.option(
    "--repeat", default=3, show_default=True, type=click.IntRange(1, 100), help="Runs of each side."
)
@click.option(
    "--timeout", default=300.0, show_default=True, type=click.FloatRange(0.1), help="Seconds a run."
)
@click.option("--detector", multiple=True, metavar="NAME", help="Only this detector; may be given again.")
@click.option("--format", "form", type=click.Choice(["terminal", *FORMATS.values()]), default="terminal")
@click.option(
    "--output",
    "-o",
    multiple=True,
    type=click.Path(),
    metavar="FILE",
    help="Also write the proof here: .json (for audit --proof), .html or .md.",
)
@click.pass_obj
def prove(first: Process | None, /, **values: Any) -> int:
    """Measure the leaks in PATH (default: here) before and after their repair.

    Two worktrees are made from the last commit; in one the safe fixes are applied. COMMAND runs in both,
    alternating, and detectors watch. Growth is judged by a robust slope with its interval: "leaks", "flat", or
    "not decided" and why. Your files are never touched, and the worktrees are always removed.

    This runs the code of the project with your rights. It is no part of the App or of a review: run it on
    code that you trust.

    Exit codes: 0 nothing leaks after, 1 something does, 2 usage, 3 nothing was decided or a run failed.
    """
    command, output, wanted = values["command"], values["output"], values["detector"]
    if not command and not values["auto"]:
        raise click.UsageError("say what to run with --run, or let --auto call each finding's function")
    for name in wanted:
        if name not in walk():
            raise click.UsageError(f"unknown detector {name!r}: there are {', '.join(walk())}")
    for file in output:
        if os.path.splitext(file)[1] not in FORMATS:
            raise click.UsageError(f"--output {file}: name a file in {', '.join(FORMATS)}")
    try:
        re.compile(values["each"])
    except re.error as error:
        raise click.UsageError(f"--each: {error}") from None
    try:
        with opened(options(values), first) as session:
            audit = _prove(session, command, values)
            _publish(session, audit, values["form"], output)
    except ProofError as error:
        click.echo(f"repairbot: {error}", err=True)
        return 3
    assert audit.proof is not None
    return code(audit.proof)


def code(proof: Proof) -> int:
    """1 where something leaks after, 0 where something was decided and nothing does, else 3."""
    verdicts = [measurement.after.verdict for measurement in proof.measurements]
    if "leaks" in verdicts:
        return 1
    return 0 if "flat" in verdicts else 3


def _prove(session: Session, command: str | None, values: Mapping[str, Any]) -> Audit:
    base, repository = values["base"], session.place.repository
    old, new = commits(repository, base, values["allow_dirty"])
    run, sifted, findings = _found(session, old, base)
    variants = [Variant("", {}, 0)] if base is not None else _variants(session, run, sifted, values)
    after = "the working tree" if base is not None else f"{variants[0].repaired} repaired"
    found: list[Measurement] = []
    with Worktrees(repository, old, new) as trees:
        bench = Bench(trees, values["repeat"], values["timeout"], values["each"], session.say)
        if values["setup"]:
            bench.setup(values["setup"])
        not_called: list[str] = []
        for variant in variants:
            trees.write(AFTER, variant.contents)
            if command:
                detectors = chosen(values["detector"], repository, old)
                found += bench.measure(command, detectors, variant.subject)
            if values["auto"]:
                from repairbot.proof.harness.calling import call

                measured_ones, reasons = call(bench, findings, variant.subject)
                found += measured_ones
                not_called += [reason for reason in reasons if reason not in not_called]
            trees.write(AFTER, _as_before(trees, variant.contents))
    proof = Proof(
        command or "each function by itself",
        base or ("the working tree" if values["allow_dirty"] else "the last commit"),
        after if len(variants) == 1 else "each fix by itself",
        values["repeat"] if command else 0,
        tuple(_with_findings(m, findings) for m in found),
        tuple(not_called),
        tuple(trees.notes + bench.notes),
    )
    return replace(session.audit(sifted, run, base=base or ""), proof=proof)


def _found(session: Session, commit: str, base: str | None) -> tuple[Run, Sifted, list[Finding]]:
    """What is found before, and the findings with paths from the repository's top."""
    if base is None:
        run = session.examine(session.tree())
    else:
        with Objects(session.place.repository) as objects:
            source = Revision(session.place, session.config, languages.suffixes(), objects, commit)
            run = session.examine(source, fixes=False)
    sifted = session.sift(run.results())
    findings = [
        replace(finding, path=_from_top(session, finding.path))
        for f in sifted.files
        for finding in f.findings
    ]
    return run, sifted, findings


def _from_top(session: Session, path: str) -> str:
    return relative(os.path.join(session.place.root, path), session.place.repository)


def _variants(session: Session, run: Run, sifted: Sifted, values: Mapping[str, Any]) -> list[Variant]:
    """All fixes together, or one at a time. Raises ProofError where there is none."""
    kinds = {"safe", "unsafe"} if values["unsafe"] else {"safe"}
    offered = [
        finding
        for file in sifted.files
        for finding in file.findings
        if finding.fix is not None and finding.fix.safety in kinds
    ]
    if not offered:
        unsafe = any(finding.fix for file in sifted.files for finding in file.findings)
        raise ProofError(
            "there is no repair to measure here"
            + (": the fixes choose for you, take them with --unsafe-fixes." if unsafe else ".")
            + " A change of your own is measured with --base REV."
        )
    groups = [[finding] for finding in offered] if values["one_by_one"] else [offered]
    variants = []
    for group in groups:
        accepted = {(finding.path, finding.fingerprint) for finding in group}
        contents: dict[str, bytes] = {}
        repaired = 0

        def wanted(finding: Finding, accepted: set[tuple[str, str]] = accepted) -> bool:
            kind = finding.fix is not None and finding.fix.safety in kinds
            return kind and (finding.path, finding.fingerprint) in accepted

        for works in gather(run, sifted.files, wanted):
            repair(works, session.pool, wanted)
            for work in works:
                if work.changed:
                    contents[_from_top(session, work.original.path)] = work.now
                    repaired += sum(work.applied.values())
                elif work.trouble:
                    session.problems.append(f"{work.original.path}: {work.trouble}")
        subject = f"{group[0].path}:{group[0].line}" if values["one_by_one"] else ""
        variants.append(Variant(subject, contents, repaired))
    return variants


def _as_before(trees: Worktrees, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    held = {}
    for path in contents:
        with open(os.path.join(trees.side(BEFORE), path), "rb") as file:
            held[path] = file.read()
    return held


def _with_findings(measurement: Measurement, findings: Sequence[Finding]) -> Measurement:
    named = {finding.fingerprint for finding in findings if names(measurement, finding)}
    return replace(measurement, findings=tuple(sorted(named.union(measurement.findings))))


def _publish(session: Session, audit: Audit, form: str, output: Sequence[str]) -> None:
    session.progress.end()
    assert audit.proof is not None
    for file in output:
        write_new(file, _rendered(audit, FORMATS[os.path.splitext(file)[1]]))
    click.echo(_rendered(audit, form), nl=False)
    for problem in audit.problems:
        click.echo(f"repairbot: {problem}", err=True)


def _rendered(audit: Audit, form: str) -> bytes:
    assert audit.proof is not None
    if form == "json":
        return wire.encode(audit.proof) + b"\n"
    if form == "terminal":
        return reports.encode(text(audit))
    from repairbot.commands.pages import infos

    name: reports.Format = "html" if form == "html" else "markdown"
    return reports.encode(reports.render(name, audit, options=reports.Options(rules=infos())))


def text(audit: Audit) -> str:
    """The proof for a terminal."""
    proof = audit.proof
    assert proof is not None
    lines = [proof.command, f"  {measured.conditions(proof)}", ""]
    for each in measured.shown(proof):
        curves = measured.sparklines(each)
        lines.append(f"{measured.title(each)}")
        for name, side, curve in zip((BEFORE, AFTER), (each.before, each.after), curves, strict=True):
            lines.append(f"  {name:7} {measured.said(side, each)}{'  ' + curve if curve else ''}")
            for leak in side.leaks[:5]:
                place = " ← ".join(f"{f.path}:{f.line}" for f in leak.trace[:3])
                lines.append(
                    f"            {leak.count if leak.count > 1 else ''} {leak.what} {place}".rstrip()
                )
        for finding in measured.named(each, audit.findings):
            lines.append(f"  measured: {finding.path}:{finding.line}  {finding.rule}")
    rest = measured.quiet(proof)
    lines += [rest] if rest else []
    lines += [f"not called: {reason}" for reason in proof.not_called]
    lines += [f"note: {note}" for note in proof.notes]
    return "\n".join([*lines, "", measured.heading(proof)]) + "\n"
