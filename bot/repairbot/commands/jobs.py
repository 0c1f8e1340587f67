"""`repairbot jobs`: what the App's queue holds; the jobs that failed, why, and once more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import SQLAlchemyError

from repairbot.reports.markup import visible
from repairbot.reports.view import plural
from repairbot.service import ledger as ledgers
from repairbot.service import queue as queues
from repairbot.service.queue import Queue
from repairbot.service.settings import SettingsError, place
from repairbot.service.status import advice, ago
from repairbot.service.task import Failed, Finished, Standing

USAGE = 2


@contextmanager
def opened() -> Iterator[Queue]:
    """The queue that the environment names. Raises ClickException."""
    try:
        folder, database = place(os.environ)
        if not database and not (folder / "queue.sqlite").exists():
            raise click.UsageError(
                f"no queue in {folder}: start `repairbot serve` first, or set REPAIRBOT_HOME or DATABASE_URL as it does"
            )
        with queues.opened(folder, database) as queue:
            yield queue
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except (SQLAlchemyError, OSError) as error:
        raise click.ClickException(f"the queue's database does not answer ({type(error).__name__})") from None


@click.group(invoke_without_command=True)
@click.pass_context
def jobs(ctx: click.Context) -> None:
    """The jobs of the App: list them, show one, run a failed one again.

    REPAIRBOT_HOME and DATABASE_URL say where the queue is, as for `repairbot serve`.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(listed)


@jobs.command("list")
@click.option("--failed", is_flag=True, help="Only those that failed for good.")
@click.option("--limit", "-n", default=20, show_default=True, type=click.IntRange(1, 1000), metavar="N")
def listed(failed: bool = False, limit: int = 20) -> None:
    """List jobs: running, waiting, failed, done."""
    now = time.time()
    with opened() as queue:
        if not failed:
            for each in queue.standing(limit):
                state = "running" if each.running else "waiting"
                _line(state, ago(now - each.since), each.id, "")
        shelf = queue.failed(limit)
        for lost in shelf:
            _line("failed", f"{ago(now - lost.at)} ago", lost.id, lost.said)
        if not failed:
            for done in queue.finished(limit):
                _line(done.outcome, f"{ago(now - done.at)} ago", done.id, done.said)
        waiting, running, _ = queue.depth()
    click.echo(f"{waiting} waiting, {running} running, {plural(len(shelf), 'failed job')}", err=True)


def _line(state: str, when: str, name: str, said: str) -> None:
    words = f"  {visible(said)}" if said else ""
    click.echo(f"{state:<11} {when:>11}  {visible(name)}{words[:160]}")


@jobs.command()
@click.argument("job", metavar="ID")
def show(job: str) -> int:
    """Show one job: what it is about, how it ended, and what to do where it failed."""
    with opened() as queue:
        found = queue.find(job)
        if found is None:
            return _none(job)
        place_ = f"{found.repo}#{found.number}" if found.number else found.repo
        click.echo(f"{found.kind} of {visible(place_)}")
        match found:
            case Standing():
                click.echo(
                    f"{'running' if found.running else 'waiting'}, queued {ago(time.time() - found.since)} ago"
                )
            case Failed():
                click.echo(f"failed {_stamp(found.at)}: {visible(found.said)}")
                click.echo(f"{advice(found.said)}\n    repairbot jobs retry {visible(found.id)}")
            case Finished():
                click.echo(f"{visible(found.outcome)} {_stamp(found.at)} {visible(found.said)}".rstrip())
    folder, database = place(os.environ)
    with ledgers.opened(folder, database, kind="") as ledger:
        if review := ledger.review(job):
            at = f" at {review.head[:12]}" if review.head else ""
            took = f"waited {review.waited:.1f} s, took {review.seconds:.1f} s"
            click.echo(f"{took}, {plural(review.leaks, 'leak')}{at}")
    return 0


@jobs.command()
@click.argument("job", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="Every one that failed.")
def retry(job: str | None, every: bool) -> int:
    """Run a failed job again, from its start, now."""
    if bool(job) == every:
        raise click.UsageError("give the ID of a failed job (`repairbot jobs --failed` lists them), or --all")
    with opened() as queue:
        names = [job] if job else [each.id for each in queue.failed(1000)]
        for name in names:
            if not queue.again(name):
                return _none(name, "is not among the failed jobs")
            click.echo(f"queued again: {visible(name)}")
    return 0


def _none(job: str, why: str = "is no job of this queue") -> int:
    click.echo(f"repairbot: {visible(job)} {why}: `repairbot jobs` lists them", err=True)
    return USAGE


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
