"""The reason and the evidence of an event, as people read them."""

from collections.abc import Iterator
from typing import Any

from bartizan.gateway.shapes import Event

_TOO_LONG = ("plan", "gates")
"""Of a rollout's beginning; `--json` has them."""

_SAID_ALREADY = ("version", "reason")


def lines_of(event: Event) -> Iterator[str]:
    """What was said, then each fact."""
    yield event.reason
    if event.type == "VersionRegistered":
        yield from _registration(event.evidence)
        return
    facts = {
        name: value
        for name, value in event.evidence.items()
        if name not in (*_TOO_LONG, *_SAID_ALREADY) and value not in (None, {}, [])
    }
    if facts:
        yield ", ".join(f"{name.replace('_', ' ')} {_said(value)}" for name, value in facts.items())


def _registration(evidence: dict[str, Any]) -> Iterator[str]:
    """The bundle and all that it was made of and judged by."""
    yield f"bundle {evidence.get('bundle_version')} {evidence.get('digest')}"
    found = evidence.get("evidence") or {}
    for dataset in found.get("datasets", ()):
        yield f"dataset {dataset.get('name')}:{dataset.get('version')} {dataset.get('digest')}"
    if report := found.get("report"):
        yield f"report {report.get('digest')}"
    if comparison := found.get("comparison"):
        yield f"{comparison.get('verdict')} against the champion {comparison.get('champion')}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
