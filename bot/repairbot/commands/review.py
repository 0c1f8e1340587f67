"""`repairbot review`: look at one pull request on GitHub, and post what is found."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import click

from repairbot.cache import Cache, default_folder
from repairbot.child import Process
from repairbot.github import dryrun, job
from repairbot.github.auditing import Auditor
from repairbot.github.client import GitHub
from repairbot.github.errors import BadToken, GitHubError, HeadMoved, NotThere
from repairbot.github.surroundings import Step
from repairbot.github.telling import annotated, not_posted
from repairbot.github.transport import Site, Transport
from repairbot.lazily import dataclass
from repairbot.pool import Pool
from repairbot.reports.markup import visible

USAGE, PARTLY_FAILED = 2, 3


@dataclass(frozen=True, slots=True)
class Door:
    """Everything that is open while one pull request is reviewed."""

    client: GitHub
    auditor: Auditor
    site: Site
    token: str


@contextmanager
def opened(
    environment: Mapping[str, str], first: Process | None, cache: str | None, jobs: int = 0
) -> Iterator[Door]:
    """Open the way to GitHub and the children. `cache`: a folder, None to keep nothing. Raises GitHubError."""
    token = (environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN") or "").strip()
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(first))
        if not token:
            raise BadToken("no token: set GITHUB_TOKEN to one that may read the repository and comment on it")
        site = Site.of(environment)
        transport = Transport(token, site)
        stack.callback(transport.close)
        kept = stack.enter_context(Cache(cache, lambda line: click.echo(f"repairbot: {line}", err=True)))
        yield Door(GitHub(transport), Auditor(pool, kept, jobs=jobs), site, token)


@click.command()
@click.option("--repo", required=True, metavar="OWNER/NAME", help="The repository of the pull request.")
@click.option("--pr", "number", required=True, type=click.IntRange(1), metavar="N", help="Its number.")
@click.option("--dry-run", is_flag=True, help="Print exactly what would be posted; post nothing.")
@click.option("--jobs", "-j", type=click.IntRange(1), default=None, metavar="N", help="Processes.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier results.")
@click.option("--cache-dir", type=click.Path(), metavar="DIR", help="Keep results here.")
@click.pass_obj
def review(
    first: Process | None,
    /,
    repo: str,
    number: int,
    dry_run: bool,
    jobs: int | None,
    no_cache: bool,
    cache_dir: str | None,
) -> int:
    """Review a pull request on GitHub: comments with suggestions, one report, a check run.

    GITHUB_TOKEN says who posts; GITHUB_API_URL, GITHUB_GRAPHQL_URL and GITHUB_SERVER_URL where GitHub is, if it is
    not github.com. The pull request's code is read as git objects: nothing is checked out, nothing of it is run,
    and the configuration is the base branch's.

    Exit codes: 0 done, 1 the check fails (`fail-on`), 2 usage, token or pull request, 3 something could not be
    read or posted.
    """
    folder = None if no_cache else cache_dir or default_folder()
    try:
        with opened(os.environ, first, folder, jobs or 0) as door:
            looked = job.look(door.client, door.auditor, door.site, door.token, repo, number)
            if dry_run:
                click.echo(dryrun.render(job.standing(door.client, looked).plan()), nl=False)
                return 0
            done = job.publish(door.client, looked)
    except HeadMoved as error:
        click.echo(f"repairbot: {error}", err=True)
        return 0
    except (BadToken, NotThere) as error:
        click.echo(f"repairbot: {_hint(error, repo, number)}", err=True)
        return USAGE
    except GitHubError as error:
        click.echo(f"repairbot: {error}", err=True)
        return PARTLY_FAILED
    return tell(looked, done, os.environ)


def tell(looked: job.Looked, done: job.Done, environment: Mapping[str, str]) -> int:
    """Say how it ended, and in an Action also what could not be posted. The exit code."""
    if done.plan.skipped:
        click.echo(f"not looked at: {visible(done.plan.skipped)}", err=True)
    elif done.nothing:
        click.echo("nothing to post: all of it stands there already", err=True)
    else:
        posted = ", ".join(f"{what}: {count}" for what, count in sorted(done.posted.items()))
        click.echo(f"posted: {posted}", err=True)
    for refused in done.refused:
        click.echo(f"repairbot: refused: {visible(refused)}", err=True)
    if done.refused and environment.get("GITHUB_ACTIONS"):
        click.echo(annotated(looked.look.audit, done.plan.listed), nl=False)
    Step(environment, click.echo).summarise(done.plan.summary.rstrip("\n") + "\n" + not_posted(done.refused))
    if done.refused:
        return PARTLY_FAILED
    return 1 if done.conclusion == "failure" else 0


def _hint(error: GitHubError, repo: str, number: int) -> str:
    if isinstance(error, BadToken):
        return str(error)
    return f"no pull request {number} in {repo}, or the token may not see it ({error})"
