"""Public sets of prompts, in the formats in which their authors publish them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from training.domain.datasets.labels import ATTACK, BENIGN


@dataclass(frozen=True, slots=True)
class PublicSet:
    """How a set's records become rows.

    `text` is the column of the text; the empty one stands for a record that is the text itself.
    The label is a number for all records, or told by the column `label` through `labels`; a record
    whose label is told as None is no row. `category` is a column, or else `category_of_all`.
    """

    name: str
    licence: str
    published_at: str
    text: str
    label: int | str
    labels: Mapping[str, int | None] = field(default_factory=dict)
    category: str = ""
    category_of_all: str = ""
    note: str = ""


PUBLIC_SETS: dict[str, PublicSet] = {
    each.name: each
    for each in (
        PublicSet(
            name="deepset",
            licence="Apache-2.0",
            published_at="https://huggingface.co/datasets/deepset/prompt-injections",
            text="text",
            label="label",
            labels={"0": BENIGN, "1": ATTACK},
            category_of_all="deepset",
        ),
        PublicSet(
            name="jackhhao",
            licence="Apache-2.0",
            published_at="https://huggingface.co/datasets/jackhhao/jailbreak-classification",
            text="prompt",
            label="type",
            labels={"benign": BENIGN, "jailbreak": ATTACK},
            category_of_all="jailbreak_classification",
        ),
        PublicSet(
            name="gandalf",
            licence="MIT",
            published_at="https://huggingface.co/datasets/Lakera/gandalf_ignore_instructions",
            text="text",
            label=ATTACK,
            category_of_all="gandalf",
        ),
        PublicSet(
            name="inthewild",
            licence="MIT",
            published_at="https://github.com/verazuo/jailbreak_llms",
            text="prompt",
            label="jailbreak",
            labels={"false": BENIGN, "true": ATTACK},
            category="platform",
            note="The labels are the collectors' and noisy: personas among them are not attacks.",
        ),
        PublicSet(
            name="bipia",
            licence="MIT",
            published_at="https://github.com/microsoft/BIPIA",
            text="",
            label=ATTACK,
            category="category",
            note="The attack files alone: each is an object of lists of instructions by category.",
        ),
        PublicSet(
            name="xstest",
            licence="CC-BY-4.0",
            published_at="https://github.com/paul-rottger/xstest",
            text="prompt",
            label="label",
            labels={"safe": BENIGN, "unsafe": None},
            category="type",
            note="Unsafe prompts ask for harm, which is no attack on instructions: left out.",
        ),
        PublicSet(
            name="notinject",
            licence="MIT",
            published_at="https://github.com/leolee99/PIGuard",
            text="prompt",
            label=BENIGN,
            category="category",
            category_of_all="notinject",
        ),
    )
}


def missing_columns(public: PublicSet, record: Mapping[str, object]) -> list[str]:
    """What every record of the set has, and this one has not: then it is of another file."""
    needed = [public.text, *([public.label] if isinstance(public.label, str) else [])]
    return [column for column in needed if column not in record]


def rows_of(
    public: PublicSet, records: Iterator[Mapping[str, object]]
) -> Iterator[dict[str, object]]:
    """A row for each record, in their order. What cannot be understood keeps its place as a row
    without text or label, which an import sets aside."""
    for record in records:
        label: object = public.label
        if isinstance(label, str):
            told = str(record.get(label, "")).strip().casefold()
            if told in public.labels and public.labels[told] is None:
                continue
            label = public.labels.get(told)
        category = record.get(public.category) if public.category else None
        yield {
            "text": record.get(public.text),
            "label": label,
            "source": public.name,
            "category": str(category or public.category_of_all)[:64],
        }
