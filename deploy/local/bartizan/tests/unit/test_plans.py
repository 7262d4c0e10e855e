import math
from pathlib import Path

import pytest

from bartizan.errors import BartizanError
from bartizan.gateway.plans import PLANS, read_plan


@pytest.mark.parametrize("name", PLANS)
def test_a_built_in_plan_begins_in_the_shadow_and_watches_every_gate(name: str) -> None:
    plan = read_plan(name)
    assert plan["plan"][0]["stage"] == "shadow"
    assert plan["gates"].keys() == {
        "error_rate", "latency_ratio", "disagreement", "block_rate_shift", "feedback",
    }  # fmt: skip


@pytest.mark.parametrize("name", PLANS)
def test_the_same_model_under_another_number_passes_the_gates(name: str) -> None:
    plan = read_plan(name)
    gates = plan["gates"]
    errors, blocked = gates["error_rate"], gates["block_rate_shift"]
    assert 1 / errors["minimum_predictions"] <= errors["maximum"], "one error is no reason"
    share, size = 0.18, blocked["minimum_predictions"]
    for step in plan["plan"]:
        if step["stage"] == "canary" and step["weight"] < 1:
            weight = step["weight"]
            deviation = math.sqrt(share * (1 - share) * (1 + weight / (1 - weight)) / size)
            assert blocked["maximum"] > 3.5 * deviation


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"plan": [], "sticky_by": "tenant"}')
    assert read_plan(str(file)) == {"plan": [], "sticky_by": "tenant"}


@pytest.mark.parametrize("content", [None, "no json", "[]"])
def test_what_is_no_plan_is_one_clear_line(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "plan.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BartizanError, match=r"plan\.json"):
        read_plan(str(file))
