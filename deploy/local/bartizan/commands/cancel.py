"""`bartizan cancel`."""

import click

from bartizan.settings import from_process


@click.command()
@click.argument("job", type=click.UUID)
def cancel(job: str) -> None:
    """End a JOB of training: an import, a training or an evaluation."""
    from bartizan.gateway.gateway import open_gateway
    from bartizan.gateway.shapes import TRAINING, Job

    with open_gateway(from_process()) as gateway:
        found = gateway.send("POST", f"{TRAINING}/jobs/{job}/cancel", Job)
    said = f"has {found.state}" if found.has_ended else "will end in a moment"
    click.echo(f"Job {found.id} ({found.kind}) {said}.")
