"""`repairbot fix`: repair in place what is safe, or show it, ask for each, or commit it on a branch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from repairbot import git, languages, reports
from repairbot.child import Process
from repairbot.commands.session import Session, common, exit_code, opened, options
from repairbot.model import Check, Finding
from repairbot.pipeline import Run, Sifted
from repairbot.repairing import Wanted, Work, gather, repair
from repairbot.sources import SourceError
from repairbot.sources.revisions import Objects, Revision, uncommitted
from repairbot.writing import WriteError, replace_file

DIRTY = "has uncommitted changes: commit or stash them, or use --allow-dirty"


@click.command()
@common
@click.option("--diff", is_flag=True, help="Only show; exit code 1 where something would change.")
@click.option("--interactive", "-i", is_flag=True, help="Ask for each fix.")
@click.option("--unsafe-fixes", "unsafe", is_flag=True, help="Also fixes that choose for you.")
@click.option(
    "--branch", metavar="NAME", help="Leave the files alone; commit on this new branch, one commit a rule."
)
@click.option("--allow-dirty", is_flag=True, help="Also write files with uncommitted changes.")
@click.pass_obj
def fix(
    first: Process | None,
    /,
    diff: bool,
    interactive: bool,
    unsafe: bool,
    branch: str | None,
    allow_dirty: bool,
    **values: Any,
) -> int:
    """Repair what is safe to repair in PATH (default: here), and say what was done."""
    if branch is not None and diff:
        raise click.UsageError("--branch writes commits and --diff writes nothing: give one of them")
    with opened(options(values), first) as session:
        reports.load("terminal")
        if branch is not None:
            return _on_branch(session, branch, unsafe, interactive)
        tree = session.tree()
        run = session.examine(tree)
        sifted = session.sift(run.results())
        wanted = _choice(session, sifted, unsafe, interactive)
        places = {
            each.entry.path: tree.where(each.entry)
            for each in run.examinations
            if each.result is not None and each.result.findings
        }
        refused = frozenset() if diff or allow_dirty else _dirty(session, places, sifted, wanted)
        for works in gather(run, [file for file in sifted.files if file.path not in refused], wanted):
            repair(works, session.pool, wanted)
            _compiled(session, places, works)
            if not diff:
                _write(places, works)
            _replace(sifted, works)
        return _finish(session, sifted, run, diff=diff, unsafe=unsafe)


def _finish(session: Session, sifted: Sifted, run: Run, *, diff: bool, unsafe: bool) -> int:
    done = session.audit(sifted, run, mode="fix", dry=diff)
    session.publish(done, "terminal", diff=diff, unsafe=unsafe)
    return exit_code(done, sum(diff or not finding.applied for finding in done.findings))


def _replace(sifted: Sifted, works: Iterable[Work]) -> None:
    ended = {work.original.path: work.ended() for work in works}
    sifted.files = [ended.get(file.path, file) for file in sifted.files]


def _choice(session: Session, sifted: Sifted, unsafe: bool, interactive: bool) -> Wanted:
    """Which findings' fixes go in: those that are shown, of the kind that is allowed, and agreed to."""
    offered = [
        finding
        for file in sifted.files
        for finding in file.findings
        if finding.fix is not None and (unsafe or interactive or finding.fix.safety == "safe")
    ]
    if interactive:
        session.progress.end()
        offered = _ask(offered)
    accepted = {(finding.path, finding.fingerprint) for finding in offered}
    kinds = {"safe", "unsafe"} if unsafe or interactive else {"safe"}
    return lambda finding: (
        (finding.path, finding.fingerprint) in accepted
        and finding.fix is not None
        and finding.fix.safety in kinds
    )


def _ask(findings: Sequence[Finding]) -> list[Finding]:
    """Show each fix and ask: yes, no, all of this rule, quit. The fixes that were agreed to."""
    agreed: list[Finding] = []
    whole: set[str] = set()
    for number, finding in enumerate(findings, 1):
        fix = finding.fix
        assert fix is not None
        if finding.rule not in whole:
            click.echo(
                f"\n{number}/{len(findings)}  {finding.path}:{finding.line}  {finding.rule}  {fix.safety}"
            )
            click.echo(f"  {finding.message}")
            if fix.choice:
                click.echo(f"  your choice: {fix.choice}")
            click.echo(fix.diff.encode("utf-8", "backslashreplace").decode())
            try:
                answer = click.prompt(
                    "apply? yes, no, all of this rule, quit",
                    type=click.Choice(["y", "n", "a", "q"]),
                    default="n",
                )
            except click.Abort:  # the input ended: nobody is there to answer
                answer = "q"
            if answer == "q":
                break
            if answer == "n":
                continue
            if answer == "a":
                whole.add(finding.rule)
        agreed.append(finding)
    return agreed


def _dirty(session: Session, places: Mapping[str, str], sifted: Sifted, wanted: Wanted) -> frozenset[str]:
    """The paths (as shown) that are not to be written because git could not bring them back; each is a problem.

    `places`: where they are, by path.
    """
    if not session.place.repository:
        return frozenset()
    chosen = {file.path for file in sifted.files if any(wanted(finding) for finding in file.findings)}
    asked = {places[path]: path for path in chosen}
    try:
        dirty = uncommitted(session.place.repository, list(asked))
    except SourceError as error:
        raise SourceError(
            f"git cannot say what is uncommitted ({error}); use --allow-dirty to write all the same"
        ) from error
    refused = frozenset(shown for place, shown in asked.items() if place in dirty)
    session.problems += [f"{path}: {DIRTY}" for path in sorted(refused)]
    return refused


def _compiled(session: Session, places: Mapping[str, str], works: Iterable[Work]) -> None:
    """Ask the project's own TypeScript; a file of which it has something new to say stays as it was."""
    asked = {
        Path(places[work.original.path]).resolve(): work
        for work in works
        if work.changed and work.original.language == "typescript"
    }
    if not asked:
        return
    from repairbot.languages.typescript.compiler import new_errors

    sides = {
        file: (work.before.decode(work.original.encoding), work.now.decode(work.original.encoding))
        for file, work in asked.items()
    }
    for file, answer in new_errors(Path(session.place.top).resolve(), sides).items():
        check = Check("tsc", "not run", answer) if isinstance(answer, str) else Check("tsc", "passed")
        if not isinstance(answer, str) and answer:
            asked[file].trouble = f"TypeScript would say of the repaired file: {answer[0]}"
        else:
            asked[file].checked(check)


def _write(places: Mapping[str, str], works: Iterable[Work]) -> None:
    """Put the repaired files in place. One that cannot be written stays as it was, and says so."""
    for work in works:
        if work.changed:
            try:
                replace_file(places[work.original.path], work.before, work.now)
            except WriteError as error:
                work.trouble = str(error)


def _on_branch(session: Session, branch: str, unsafe: bool, interactive: bool) -> int:
    """Repair the files of the last commit and commit that, a commit a rule, on a new branch."""
    from repairbot.commands.branch import Branch

    repository = session.place.repository or session.place.top
    head = git.commit(repository, "HEAD")
    target = Branch(repository, branch, head)
    with Objects(repository) as objects:
        source = Revision(session.place, session.config, languages.suffixes(), objects, head)
        run = session.examine(source)
        sifted = session.sift(run.results())
        wanted = _choice(session, sifted, unsafe, interactive)
        rules = sorted({f.rule for file in sifted.files for f in file.findings if wanted(f)})
        batches = list(gather(run, sifted.files, wanted))
        works = [work for batch in batches for work in batch]
        for rule in rules:
            before = {id(work): work.now for work in works}
            repair(works, session.pool, _of(rule, wanted))
            moved = [work for work in works if work.now != before[id(work)] and not work.trouble]
            if moved:
                contents = {source.blob(work.original.path): work.now for work in moved}
                target.commit(contents, _title(rule, moved))
        target.create()
        _replace(sifted, works)
    session.say(target.summary())
    return _finish(session, sifted, run, diff=False, unsafe=unsafe)


def _of(rule: str, wanted: Wanted) -> Wanted:
    return lambda finding: finding.rule == rule and wanted(finding)


def _title(rule: str, works: Sequence[Work]) -> str:
    """The commit's message: what and where."""
    where = os.path.basename(works[0].original.path) if len(works) == 1 else f"{len(works)} files"
    titles = [
        f"- {finding.path}:{finding.line}: {finding.fix.title}"
        for work in works
        for finding in work.ended().findings
        if finding.applied and finding.rule == rule and finding.fix
    ]
    return f"Repair {rule} in {where}\n\n" + "\n".join(titles) + "\n\nChecked by repairbot.\n"
