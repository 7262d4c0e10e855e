"""Judgements without a platform: the guard's own `judge`, in a process of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from e2e.programs import Programs

COMPARED = ("decision", "score", "categories", "spans", "signals")


def judge(programs: Programs, texts: Sequence[str]) -> list[dict[str, Any]]:
    """What the packaged guard says about each text, in their order."""
    lines = [msgspec.json.encode({"id": i, "text": text}) for i, text in enumerate(texts)]
    result = programs.run("model_api", "judge", stdin=b"\n".join(lines).decode(), timeout=300)
    assert result.returncode == 0, result.stderr
    judged = [msgspec.json.decode(line) for line in result.stdout.splitlines()]
    assert [each["id"] for each in judged] == list(range(len(texts)))
    return judged


def comparable(judgement: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a judgement that is the same wherever the text was judged."""
    return {name: judgement[name] for name in COMPARED}
