"""`repairbot rules` and `repairbot explain`: what there is, and a rule's page."""

from __future__ import annotations

import os
from pathlib import Path

import click

from repairbot.config import Config, load, nearest
from repairbot.rule import Quiet, Rule, all_rules
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
def explain(rule: str) -> int:
    """Show the page of a rule (Markdown), with its examples."""
    known = {each.id: each for each in all_rules()}
    if rule not in known:
        raise click.UsageError(f"unknown rule {rule!r}{nearest(rule, known)}")
    click.echo(_page(known[rule]))
    return 0


def _page(rule: Rule) -> str:
    title, _, rest = rule.page().partition("\n")
    state = "on" if rule.default else "off"
    parts = [f"# {rule.id}", title, f"{rule.severity} severity, {state} by default, {', '.join(rule.languages)}", rest.strip()]
    for example in rule.examples:
        if isinstance(example, Quiet):
            parts.append(f"Quiet{_because(example.why)}:\n\n{_fenced(example.language, example.code)}")
        elif example.after is None:
            parts.append(f"Reported, not repaired{_because(example.why)}:\n\n{_fenced(example.language, example.before)}")
        else:
            kind = "Repaired, by your choice (--unsafe-fixes)" if example.unsafe else "Repaired"
            before, after = _fenced(example.language, example.before), _fenced(example.language, example.after)
            parts.append(f"{kind}{_because(example.why)}:\n\n{before}\n\nbecomes\n\n{after}")
    return "\n\n".join(part for part in parts if part)


def _because(why: str) -> str:
    return f", because {why.rstrip('.')}" if why else ""


def _fenced(language: str, code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    lines = "\n".join(code.strip("\n").split("\n"))
    return f"{fence}{language}\n{lines}\n{fence}"
