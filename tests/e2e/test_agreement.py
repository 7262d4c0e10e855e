"""The gateway's answers are the guard's own, prompt by prompt."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from e2e import prompts
from e2e.gateway import PREDICT
from e2e.judging import comparable, judge
from e2e.prompts import EvaluationData, Prompt
from e2e.running_platform import Platform

SAMPLE = 500
BATCH = 32
AT_A_TIME = 8


def _prompts(source: str) -> list[Prompt]:
    if source == "own":
        return prompts.own()
    data = EvaluationData.at_hand()
    if data is None:
        pytest.skip("BARTIZAN_EVALUATION_DATA names no folder")
    rows = data.read("dev_ood")
    # Spread over the file, which is sorted by source.
    return [rows[number * len(rows) // SAMPLE] for number in range(SAMPLE)]


@pytest.mark.parametrize("source", ["own", "evaluation"])
async def test_decisions_through_the_gateway_equal_direct_ones(
    platform: Platform, api: httpx.AsyncClient, source: str
) -> None:
    texts = [prompt.text for prompt in _prompts(source)]
    direct = [comparable(each) for each in judge(platform.programs, texts)]

    one_by_one = await _in_parallel(api, [[text] for text in texts])
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    in_batches = await _in_parallel(api, batches)

    assert one_by_one == direct
    assert in_batches == direct
    # Had everything one decision, agreement would say nothing.
    assert {"allow", "block"} <= {judgement["decision"] for judgement in direct}


async def _in_parallel(
    api: httpx.AsyncClient, batches: Sequence[Sequence[str]]
) -> list[dict[str, object]]:
    free = asyncio.Semaphore(AT_A_TIME)

    async def ask(texts: Sequence[str]) -> list[dict[str, object]]:
        async with free:
            answer = await api.post(PREDICT, json={"texts": texts})
        assert answer.status_code == 200, answer.text
        predictions = answer.json()["predictions"]
        assert [each["index"] for each in predictions] == list(range(len(texts)))
        return [comparable(each) for each in predictions]

    answers = await asyncio.gather(*map(ask, batches))
    return [each for answer in answers for each in answer]
