"""How a dataset version is named on the command line."""

import click


def dataset_version(text: str, hint: str) -> tuple[str, int]:
    """The name and the version of `NAME:VERSION`; a usage error for anything else."""
    name, _, version = text.rpartition(":")
    if not name or not version.isdecimal():
        raise click.BadParameter(f"{text!r} is not NAME:VERSION", param_hint=hint)
    return name, int(version)
