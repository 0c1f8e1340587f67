"""The commands, one file a family. `run` is what the console script calls."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import click

from repairbot import __version__
from repairbot.baseline import BaselineError
from repairbot.child import Process
from repairbot.config import ConfigError
from repairbot.pool import BrokenWorker
from repairbot.sources import SourceError
from repairbot.writing import WriteError

USAGE, PARTLY_FAILED = 2, 3

COMMANDS = {
    "fix": "fix:fix",
    "audit": "audit:audit",
    "rules": "rules:rules",
    "explain": "rules:explain",
    "prove": "prove:prove",
    "baseline": "audit:baseline",
    "review": "review:review",
    "action": "action:action",
    "serve": "serve:serve",
    "worker": "serve:worker",
    "jobs": "jobs:jobs",
    "sweep": "sweep:sweep",
    "new-rule": "scaffold:new_rule",
    "completion": "completion:completion",
}
"""Where each command stands: module and name. They are imported when they are called."""


class _ReaderGone(Exception):
    """A closed pipe, past click: it would end the process itself, as if there had been findings."""


def _short(place: str, width: int) -> str:
    """The first sentence of a command's help, without importing it; "" for a hidden one. `place`: as in COMMANDS."""
    module, _, name = place.partition(":")
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_bytes())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            if "click.command(hidden=True)" in map(ast.unparse, node.decorator_list):
                return ""
            return click.Command(name, help=ast.get_docstring(node)).get_short_help_str(width)
    raise LookupError(place)


class _Lazy(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Their first sentences are read off the files: importing all of them takes a second.
        width = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            shown = ((name, _short(place, width)) for name, place in COMMANDS.items())
            formatter.write_dl([(name, short) for name, short in shown if short])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from repairbot.config import nearest

            raise click.UsageError(f"unknown command {args[0]!r}{nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderGone from error


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="repairbot", message="%(prog)s %(version)s")
def repairbot() -> None:
    """Find memory and resource leaks, and repair them; every patch is checked.

    Exit codes: 0 clean, 1 findings (or would change), 2 usage or configuration, 3 something failed on the way
    and the rest was done.
    """


def run(arguments: list[str], first: Process | None = None) -> int:
    """Run one command line; the exit code. `first`: a worker that is awake already. Raises BrokenPipeError."""
    try:
        code = repairbot.main(arguments, prog_name="repairbot", standalone_mode=False, obj=first)
    except click.Abort:
        raise KeyboardInterrupt from None
    except _ReaderGone:
        raise BrokenPipeError from None
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (ConfigError, BaselineError, SourceError) as error:
        click.echo(f"repairbot: {error}", err=True)
        return USAGE
    except (BrokenWorker, WriteError) as error:
        click.echo(f"repairbot: {error}", err=True)
        return PARTLY_FAILED
    return code if isinstance(code, int) else 0
