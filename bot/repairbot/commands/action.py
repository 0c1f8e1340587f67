"""`repairbot action`: what .github/actions/repairbot runs, inside GitHub Actions."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from repairbot.baseline import BaselineError
from repairbot.cache import default_folder
from repairbot.child import Process
from repairbot.commands.pages import infos
from repairbot.commands.review import opened
from repairbot.config import ConfigError
from repairbot.github import event as events
from repairbot.github.action import FAILED, Action
from repairbot.github.artifact import ArtifactError
from repairbot.github.errors import GitHubError
from repairbot.github.surroundings import InputError, Inputs, Step
from repairbot.pool import BrokenWorker
from repairbot.reports.markup import visible
from repairbot.sources import SourceError

USAGE = 2


@click.command(hidden=True)
@click.pass_obj
def action(first: Process | None, /) -> int:
    """Do what the event of a GitHub Actions run asks for (.github/actions/repairbot/action.yml).

    Reads GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REPOSITORY, GITHUB_TOKEN and REPAIRBOT_*; writes GITHUB_OUTPUT
    and GITHUB_STEP_SUMMARY.
    """
    return run(os.environ, first)


def run(environment: Mapping[str, str], first: Process | None) -> int:
    """The same with any environment; the exit code."""
    step = Step(environment, click.echo)
    try:
        inputs = Inputs.of(environment)
        missing = [
            name
            for name in ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_REPOSITORY")
            if not environment.get(name)
        ]
        if missing:
            raise InputError(
                f"{', '.join(missing)}: not set; this command is for GitHub Actions (repairbot review?)"
            )
        event = events.load(environment["GITHUB_EVENT_NAME"], environment["GITHUB_EVENT_PATH"])
        with opened(environment, first, default_folder()) as door:
            return Action(
                door.client, door.auditor, environment["GITHUB_REPOSITORY"], inputs, step, infos
            ).act(event)
    except InputError as error:
        step.error(visible(str(error)))
        return USAGE
    except ArtifactError as error:
        step.error(f"what the run of the fork left is not used: {visible(str(error))}")
    except (GitHubError, ConfigError, SourceError, BaselineError, BrokenWorker) as error:
        step.error(visible(str(error)))
    return FAILED
