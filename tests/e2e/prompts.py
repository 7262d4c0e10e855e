"""Prompts with what they are: our own, and those of the evaluation data where it is at hand."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

OWN = Path(__file__).with_name("prompts.jsonl")


class Prompt(msgspec.Struct, frozen=True):
    """One prompt; `label` is 1 for an attack and 0 for a benign one.

    `hidden_by` names the trick by which an attack hides, if it does.
    """

    text: str
    label: int
    hidden_by: str | None = None


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The folder that BARTIZAN_EVALUATION_DATA names, with dev.jsonl and dev_ood.jsonl."""

    folder: Path

    @classmethod
    def at_hand(cls) -> "EvaluationData | None":
        """The data, or None where no folder is named. A folder without the files is an error."""
        given = os.environ.get("BARTIZAN_EVALUATION_DATA")
        return cls(Path(given)) if given else None

    def read(self, name: str) -> list[Prompt]:
        """Every prompt of a file, in its order."""
        return read(self.folder / f"{name}.jsonl")


def own() -> list[Prompt]:
    """The prompts written for these tests."""
    return read(OWN)


def read(file: Path) -> list[Prompt]:
    """The prompts of a JSONL file with `text` and `label`; other fields are left out."""
    return msgspec.json.decode(
        b"[" + b",".join(file.read_bytes().splitlines()) + b"]", type=list[Prompt]
    )
