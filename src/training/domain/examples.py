"""One labelled text, and the attack category that its origin tells."""

from dataclasses import dataclass

CATEGORIES = ("prompt_injection", "indirect_injection", "jailbreak", "prompt_extraction")

# The first rule whose word occurs in "source category" decides; the last category is the rest.
_RULES = (
    ("gandalf", "prompt_extraction"),
    ("prompt_extraction", "prompt_extraction"),
    ("indirect", "indirect_injection"),
    ("tasktracker", "indirect_injection"),
    ("bipia", "indirect_injection"),
    ("jailbreak", "jailbreak"),
    ("inthewild", "jailbreak"),
    ("jackhhao", "jailbreak"),
    ("gptfuzzer", "jailbreak"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A text; `attack` says whether it attacks a model's instructions."""

    text: str
    attack: bool
    source: str
    category: str


def category_index(example: Example) -> int:
    """The index into `CATEGORIES` of an attack, derived from where it was collected."""
    origin = f"{example.source} {example.category}".lower()
    for word, category in _RULES:
        if word in origin:
            return CATEGORIES.index(category)
    return CATEGORIES.index("prompt_injection")
