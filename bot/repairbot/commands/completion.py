"""`repairbot completion`: the shell's own script, as click writes it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  repairbot completion bash >> ~/.bashrc
    zsh:   repairbot completion zsh >> ~/.zshrc
    fish:  repairbot completion fish > ~/.config/fish/completions/repairbot.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "repairbot", "_REPAIRBOT_COMPLETE").source())
