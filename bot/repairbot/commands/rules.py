"""`repairbot rules` and `repairbot explain`: what there is, and a rule's page."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from repairbot.commands.pages import info
from repairbot.config import Config, load, nearest
from repairbot.reports import Options
from repairbot.reports.rulepage import terminal
from repairbot.rule import all_rules
from repairbot.sources.place import locate


def _configured(file: str | None) -> Config:
    return load(Path(file).absolute() if file else locate([os.getcwd()]).configuration)


@click.command()
@click.option("--config", type=click.Path(), metavar="FILE", help="Read this configuration.")
def rules(config: str | None) -> int:
    """List the rules: whether each is on here, its severity, and what it finds."""
    settings = _configured(config).settings
    width = max((len(rule.id) for rule in all_rules()), default=0)
    for rule in all_rules():
        on = "on " if settings.rules.get(rule.id, rule.default) else "off"
        severity = settings.severity.get(rule.id, rule.severity)
        click.echo(f"{rule.id:{width}}  {on}  {severity:6}  {rule.title()}")
    return 0


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [rule.id for rule in all_rules() if rule.id.startswith(incomplete)]


@click.command()
@click.argument("rule", shell_complete=_complete)
@click.option(
    "--format", "form", type=click.Choice(["terminal", "markdown"]), default="terminal", show_default=True
)
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same).")
def explain(rule: str, form: str, no_color: bool) -> int:
    """Show the page of a rule, with its examples."""
    known = {each.id: each for each in all_rules()}
    if rule not in known:
        raise click.UsageError(f"unknown rule {rule!r}{nearest(rule, known)}")
    page = info(known[rule])
    if form == "markdown":
        from repairbot.reports.markdown import rule_page

        text = rule_page(page)
    else:
        colour = sys.stdout.isatty() and not no_color and not os.environ.get("NO_COLOR")
        text = terminal(page, Options(colour=colour))
    click.echo(text, nl=False, color=True)
    return 0
