"""Who did what and when, as people read it."""

from typing import TYPE_CHECKING

from bartizan.errors import BartizanError

if TYPE_CHECKING:
    from bartizan.gateway.gateway import Gateway

_PAGE = 200


def names_of_keys(gateway: "Gateway") -> dict[str, str]:
    """What the API keys are called, by their ids; empty where that is not ours to know."""
    from bartizan.gateway.shapes import Keys

    try:
        return {key.id: key.name for key in gateway.get("/keys", Keys, limit=_PAGE).items}
    except BartizanError:
        return {}


def moment(text: str) -> str:
    """A moment of the API without its fractions of seconds."""
    return f"{text[:19].replace('T', ' ')}Z" if text.endswith("Z") else text
