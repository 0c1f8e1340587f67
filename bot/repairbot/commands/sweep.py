"""`repairbot sweep`: an audit of every repository that the App is installed on, done by its workers."""

from __future__ import annotations

import os
import time
from collections import Counter

import click

from repairbot.commands.jobs import opened
from repairbot.github.errors import GitHubError
from repairbot.reports.markup import visible
from repairbot.reports.view import plural

USAGE, PARTLY_FAILED = 2, 3
_LOOK = 1.0


@click.command()
@click.option(
    "--org",
    "account",
    required=True,
    metavar="NAME",
    help="The organisation, or the person, whose repositories.",
)
@click.option(
    "--name", metavar="NAME", help="What the sweep is called; the same name again adds only what is new."
)
@click.option("--no-wait", is_flag=True, help="Queue it and return.")
def sweep(account: str, name: str | None, no_wait: bool) -> int:
    """Audit every repository of an installation of the App: queued, done by its workers, beside the reviews.

    What is found stands in one issue a repository, which is kept up to date. The settings are those of `repairbot
    serve`, which must be running (or a worker) for anything to be done. A sweep is named after the day, so that a
    second one on that day goes on with the first.

    Exit codes: 0 all done, 2 settings, 3 some failed.
    """
    from repairbot.service import setup, sweeping
    from repairbot.service.settings import Settings, SettingsError, place
    from repairbot.service.tokens import App

    try:
        settings = Settings.of(setup.settings(os.environ, place(os.environ)[0]))
        app = App(settings.app, settings.key, settings.site)
        called = name or time.strftime("sweep-%Y-%m-%d", time.gmtime())
        if not called.replace("-", "").replace("_", "").isalnum() or len(called) > 64:
            raise click.UsageError("--name takes letters, digits, - and _")
        with opened() as queue:
            held = sweeping.queue(app, queue, account, called)
            click.echo(f"{plural(len(held.jobs), 'repository', 'repositories')} queued as {called}", err=True)
            if no_wait:
                return 0
            ended: dict[str, tuple[str, str]] = {}
            while True:
                now = held.progress(queue)
                for repo, (outcome, said) in sorted(now.ended.items()):
                    if repo not in ended:
                        count = f"{len(ended) + 1}/{now.total}"
                        click.echo(f"{count:>9}  {outcome:<8} {visible(repo)}  {visible(said)}")
                        ended[repo] = (outcome, said)
                if now.over:
                    break
                time.sleep(_LOOK)
    except (SettingsError, setup.SetupError) as error:
        raise click.UsageError(str(error)) from None
    except GitHubError as error:
        click.echo(f"repairbot: {error}", err=True)
        return PARTLY_FAILED
    counts = Counter(outcome for outcome, _ in ended.values())
    click.echo(
        ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items())) or "nothing", err=True
    )
    return PARTLY_FAILED if counts["failed"] else 0
