"""The command line: what it can do, and how its errors look."""

import os
import sys
from pathlib import Path

import click

from bartizan.commands.cancel import cancel
from bartizan.commands.down import down
from bartizan.commands.history import history
from bartizan.commands.logs import logs
from bartizan.commands.models import models
from bartizan.commands.reports import quarantine, report
from bartizan.commands.reset import reset
from bartizan.commands.restart import restart
from bartizan.commands.rollback import rollback
from bartizan.commands.rollout import rollout
from bartizan.commands.scan import scan
from bartizan.commands.status import status
from bartizan.commands.supervise import supervise
from bartizan.commands.train import train
from bartizan.commands.up import up
from bartizan.errors import BartizanError

VERSION = Path(__file__).with_name("VERSION").read_text().strip()

_ANSWER_BY_STATUS = ("scan", "train", "rollout", "rollback", "history")
"""Commands whose exit status 1 is an answer, so that an error is 2."""

FAILED = 1
MISUSED = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of our output has gone. click would exit with 1, which is a verdict in
            # `scan`; and the interpreter would complain when it flushes what is left.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(PIPE_CLOSED) from None


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Completion: eval "$(_BARTIZAN_COMPLETE=bash_source bartizan)", or zsh_source.',
)
@click.version_option(VERSION)
def cli() -> None:
    """Guards LLM applications against prompt injection and jailbreaks.

    \b
    bartizan up                          start the platform on this machine
    bartizan scan "some prompt"          judge one prompt; exit status 0, 1 or 2
    bartizan scan -f prompts.jsonl       judge many
    bartizan train prompts.csv           make a better detector of your own prompts
    bartizan rollout 2                   let it take over, step by step
    bartizan rollback                    and back
    bartizan status                      what runs, where, how often it was restarted
    bartizan down                        stop it; the data stays

    \b
    BARTIZAN_HOME          where the state is kept (.bartizan in the repository)
    BARTIZAN_PORT_OFFSET   added to every port
    BARTIZAN_DIST          a folder of ready *.pex files; nothing is built then
    """


for command in (
    up, down, status, logs, restart, reset, scan, train, cancel, quarantine, models, report,
    rollout, rollback, history, supervise,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Runs a command; every expected failure is one line on stderr."""
    sys.exit(_status())


def _status() -> int:
    os.umask(0o077)
    failed = MISUSED if sys.argv[1:2] and sys.argv[1] in _ANSWER_BY_STATUS else FAILED
    try:
        result = cli.main(prog_name="bartizan", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (BartizanError, OSError) as error:
        click.echo(f"bartizan: {error}", err=True)
        return failed
    return int(result or 0)


if __name__ == "__main__":
    main()
