"""`repairbot serve` and `repairbot worker`: the GitHub App."""

from __future__ import annotations

import os

import click

from repairbot.child import Process

USAGE, FAILED = 2, 3
_NEEDED = "repairbot: the App needs more packages: pip install 'repairbot[app]' (in a clone: '.[app]')"


def _say(words: str) -> None:
    click.echo(f"repairbot: {words}", err=True)


@click.command()
@click.pass_obj
def serve(_first: Process | None) -> int:
    """Run the GitHub App: take webhooks in, review pull requests, show how it goes.

    Settings come from the environment: APP_ID, PRIVATE_KEY or PRIVATE_KEY_PATH, WEBHOOK_SECRET, HOST, PORT,
    DATABASE_URL (PostgreSQL, for several processes), JOBS (at a time), REPAIRBOT_HOME (where files are kept),
    LOG_LEVEL. Where nothing says which App this is, a page is shown that makes one.

    Exit codes: 0 stopped, 2 settings, 3 something failed.
    """
    return _run(only_work=False)


@click.command()
@click.option("--child", is_flag=True, hidden=True)
@click.pass_obj
def worker(_first: Process | None, /, child: bool) -> int:
    """Do the App's jobs: with DATABASE_URL any number of these, on any number of machines.

    Takes the same settings as `repairbot serve`, which has one of these beside it unless JOBS=0.

    Exit codes: 0 stopped, 2 settings, 3 something failed.
    """
    return _run(only_work=True, child=child)


def _run(*, only_work: bool, child: bool = False) -> int:
    try:
        import dbos
        import psycopg
        import starlette
        import uvicorn
    except ImportError:
        click.echo(_NEEDED, err=True)
        return USAGE
    del dbos, starlette, uvicorn
    from sqlalchemy.exc import SQLAlchemyError

    from repairbot.github.errors import BadToken, GitHubError
    from repairbot.github.redact import redact
    from repairbot.service import logs, running, serving
    from repairbot.service import setup as setups
    from repairbot.service.settings import Settings, SettingsError, listens, place
    from repairbot.service.slots import Taken

    try:
        folder, _ = place(os.environ)
        logs.start(level=os.environ.get("LOG_LEVEL") or "info")
        if setups.wanted(os.environ, folder):
            if only_work:
                raise SettingsError(
                    "which App is this? Set APP_ID, PRIVATE_KEY and WEBHOOK_SECRET as for `serve`"
                )
            if not serving.set_up(os.environ, folder, *listens(os.environ), _say):
                return 0
        environment = setups.settings(os.environ, folder)
        settings = Settings.of(environment)
        logs.start(
            settings.key, settings.secret, settings.database, level=environment.get("LOG_LEVEL") or "info"
        )
        if only_work:
            running.work(settings, folder, _say, child=child)
        else:
            serving.serve(settings, environment, folder, _say)
    except (SettingsError, setups.SetupError, Taken, BadToken, ValueError) as error:
        _say(str(error))
        return USAGE
    except GitHubError as error:
        _say(str(error))
        return FAILED
    except (SQLAlchemyError, psycopg.Error, OSError) as error:
        _say(f"the database or its folder cannot be used: {redact(str(error)).splitlines()[0]}")
        return FAILED
    return 0
