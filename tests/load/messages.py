"""The requests that are sent: prompts of one length, no two alike in a round."""

from collections.abc import Sequence
from itertools import cycle, islice

import msgspec

VARIETY = 500


def bodies(prompts: Sequence[str], characters: int) -> list[bytes]:
    """`VARIETY` bodies with a text of exactly so many characters, made of the prompts in turn."""
    source = " ".join(islice(cycle(prompts), VARIETY + characters))
    texts = (f"{number} {source[number * 7 :]}"[:characters] for number in range(VARIETY))
    return [msgspec.json.encode({"text": text}) for text in texts]


def with_head(body: bytes, path: str, key: str | None = None) -> bytes:
    """The bytes of a POST on a kept connection; `key` goes into the Authorization field."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
