"""`bartizan rollback`."""

import click

from bartizan.commands.console import terminal
from bartizan.settings import from_process

NOT_BACK = 1


@click.command(epilog='Example: bartizan rollback --reason "it blocks our own templates"')
@click.option("--model", default="detector", show_default=True, help="Whose version goes back.")
@click.option("--reason", default="rolled back from the terminal", help="Kept in the history.")
def rollback(model: str, reason: str) -> int:
    """Undo the rollout under way, or bring the former champion back.

    Exit status: 0 when the former champion answers, 1 when it does not yet, 2 on an error.
    """
    from bartizan.gateway import rollouts
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.shapes import TRAINING, Model

    console = terminal()
    with open_gateway(from_process()) as gateway:
        undone = rollouts.undo(gateway, model, reason)
        undone = rollouts.watch(gateway, undone, console, float("inf"))
        champion = gateway.get(f"{TRAINING}/models/{model}", Model).champion
    console.print(f"Version {champion} of {model} is champion.", highlight=False)
    expected = "completed" if undone.kind == "rollback" else "rolled_back"
    return 0 if undone.state == expected else NOT_BACK
