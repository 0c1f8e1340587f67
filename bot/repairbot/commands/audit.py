"""`repairbot audit` and `repairbot baseline`: report, repair nothing."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import click

from repairbot import baseline as baselines
from repairbot import git, languages, reports
from repairbot.child import Process
from repairbot.commands.session import Session, common, exit_code, opened, options
from repairbot.model import Proof
from repairbot.pipeline import Run
from repairbot.sources.place import relative
from repairbot.sources.revisions import Objects, Revision, changed, merge_base
from repairbot.writing import write_new


@click.command()
@common
@click.option("--format", "form", type=click.Choice(reports.FORMATS), default="terminal", show_default=True)
@click.option("--output", "-o", type=click.Path(), metavar="FILE", help="Write the report here.")
@click.option("--base", metavar="REV", help="Only what is new since this revision, as committed.")
@click.option("--proof", metavar="FILE", help="Show what `repairbot prove` measured and wrote there.")
@click.pass_obj
def audit(
    first: Process | None,
    /,
    form: reports.Format,
    output: str | None,
    base: str | None,
    proof: str | None,
    **values: Any,
) -> int:
    """Report leaks in PATH (default: here); repair nothing."""
    held = _proof(proof) if proof else None
    with opened(options(values), first) as session:
        reports.load(form)
        if base is None:
            run = session.examine(session.tree())
            known: Counter[str] = Counter()
        else:
            run, known = _since(session, base)
        sifted = session.sift(run.results(), known)
        done = session.audit(sifted, run, base=base or "", proof=held)
        session.publish(done, form, output)
        return exit_code(done, len(done.findings))


def _proof(path: str) -> Proof:
    """What `repairbot prove` wrote. Raises click.UsageError."""
    from repairbot.reports.jsonreport import DocumentError, read_proof

    try:
        with open(path, "rb") as file:
            return read_proof(json.loads(file.read()))
    except OSError as error:
        raise click.UsageError(f"--proof {path}: {error.strerror}") from None
    except (ValueError, RecursionError, DocumentError) as error:
        raise click.UsageError(f"--proof {path} is not what `repairbot prove` wrote: {error}") from None


def _since(session: Session, base: str) -> tuple[Run, Counter[str]]:
    """Examine what changed since `base`, and the fingerprints that the same files held there."""
    repository = session.place.repository or session.place.top
    old, new = git.commit(repository, base), git.commit(repository, "HEAD")
    old = merge_base(repository, old, new)
    only = changed(repository, old, new)
    if git.run(repository, "status", "--porcelain", "--untracked-files=no").stdout:
        session.say("repairbot: uncommitted changes are not looked at with --base")
    suffixes = languages.suffixes()
    with Objects(repository) as objects:
        run = session.examine(Revision(session.place, session.config, suffixes, objects, new, only))
        if not any(result.findings for result in run.results()):
            return run, Counter()
        before = session.examine(
            Revision(session.place, session.config, suffixes, objects, old, only), fixes=False
        )
    return run, Counter(finding.fingerprint for result in before.results() for finding in result.findings)


@click.command()
@common
@click.option("--output", "-o", type=click.Path(), metavar="FILE", help=f"Write here; else {baselines.NAME}.")
@click.pass_obj
def baseline(first: Process | None, /, output: str | None, **values: Any) -> int:
    """Write the present findings to a file that later runs subtract."""
    chosen = options(values | {"no_baseline": True})
    with opened(chosen, first) as session:
        if session.options.baseline:
            raise click.UsageError("--baseline subtracts; name the file to write with --output")
        run = session.examine(session.tree(), fixes=False)
        sifted = session.sift(run.results())
        done = session.audit(sifted, run)
        target = output or session.config.baseline or str(session.home / baselines.NAME)
        write_new(target, baselines.dump(done.findings))
        session.progress.end()
        count = len(done.findings)
        session.say(
            f"{count:,} finding{'' if count == 1 else 's'} written to {relative(os.path.abspath(target), os.getcwd())}"
        )
        for problem in [
            *done.problems,
            *(f"{f.path}: {f.reason}" for f in done.files if f.outcome == "failed"),
        ]:
            click.echo(f"repairbot: {problem}", err=True)
        return exit_code(done, 0)
