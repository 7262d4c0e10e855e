"""A stream of lines is answered line by line."""

import io
import json
import os
import select
import threading
from typing import Any

import pytest

from model_api.api.predictions.judge_lines import MAX_LINE_BYTES, run
from model_api.domain.judging.policy import DEFAULT_POLICY, Policy, PolicyInvalid, Rule
from model_api.domain.limits import MAX_INPUT_BYTES
from model_api.tests.support.word_detector import WordDetector


def judged(stdin: bytes) -> list[dict[str, Any]]:
    stdout = io.BytesIO()
    run(io.BytesIO(stdin), stdout, WordDetector(), DEFAULT_POLICY)
    return [json.loads(line) for line in stdout.getvalue().splitlines()]


def test_lines_are_answered_in_order_with_their_ids() -> None:
    first, second, third = judged(
        b'{"id":"a","text":"an attack","label":1}\n\n{"text":"hello"}\n{"id":7,"text":""}'
    )
    assert first == {
        "id": "a",
        "decision": "block",
        "score": 0.95,
        "categories": [{"name": "jailbreak", "score": 0.475}],
        "spans": [{"start": 0, "end": 9, "score": 0.95}],
        "signals": [],
    }
    assert (second["id"], second["decision"], second["spans"]) == (None, "allow", [])
    assert (third["id"], third["decision"]) == (7, "allow")


def test_signals_are_told_with_their_places() -> None:
    [answer] = judged('{"text":"att\u200back"}'.encode())
    assert answer["signals"] == [{"name": "zero_width", "count": 1, "spans": [[3, 4]]}]


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"text":7}',
        b'{"text":"secret\xff"}',
        b'{"text":"secret \\ud800 half"}',
        b'{"text":"a"}{"text":"b"}',
        b'{"id":1.5,"text":"secret"}',
        b'{"text":"secret","x":' + b"[" * 100_000,
    ],
)
def test_a_malformed_line_is_refused_without_quoting_it_and_the_next_is_judged(
    line: bytes,
) -> None:
    refused, answer = judged(line + b'\n{"id":2,"text":"hello"}\n')
    assert refused["error"].keys() == {"code", "detail"}
    assert (refused["id"], refused["line"]) == (None, 1)
    assert refused["error"]["code"] == "MALFORMED_LINE"
    assert "secret" not in json.dumps(refused)
    assert (answer["id"], answer["decision"]) == (2, "allow")


def test_a_text_that_is_too_long_is_refused_by_its_bytes() -> None:
    longest = "é" * (MAX_INPUT_BYTES // 2)
    fits, refused = judged(f'{{"text":"{longest}"}}\n{{"id":"b","text":"{longest}x"}}\n'.encode())
    assert fits["decision"] == "allow"
    assert (refused["id"], refused["line"]) == ("b", 2)
    assert refused["error"]["code"] == "TEXT_TOO_LONG"


def test_a_line_without_an_end_is_refused_and_the_next_is_judged() -> None:
    endless = b" " * (3 * MAX_LINE_BYTES)
    refused, answer = judged(endless + b'\n{"id":2,"text":"hello"}')
    assert (refused["line"], refused["error"]["code"]) == (1, "LINE_TOO_LONG")
    assert answer["id"] == 2
    [refused] = judged(endless)
    assert refused["error"]["code"] == "LINE_TOO_LONG"


def test_each_line_is_answered_before_the_next_one_comes() -> None:
    their_input, our_input = os.pipe()
    our_output, their_output = os.pipe()
    with (
        os.fdopen(their_input, "rb") as stdin,
        os.fdopen(their_output, "wb") as stdout,
        os.fdopen(our_output, "rb") as answers,
        os.fdopen(our_input, "wb", buffering=0) as questions,
    ):
        args = (stdin, stdout, WordDetector(), DEFAULT_POLICY)
        judging = threading.Thread(target=run, args=args)
        judging.start()
        for number in range(3):
            questions.write(b'{"id":%d,"text":"hello"}\n' % number)
            answered, _, _ = select.select([answers], [], [], 30)
            assert answered, "no answer before the next question"
            assert json.loads(answers.readline())["id"] == number
        questions.close()
        judging.join()


def test_a_policy_that_cannot_be_judged_by_is_refused_before_anything_is_read() -> None:
    stdin = io.BytesIO(b'{"text":"a"}\n')
    policy = Policy(name="mine", version=1, rules={"weather": Rule(block=0.5)})
    with pytest.raises(PolicyInvalid):
        run(stdin, io.BytesIO(), WordDetector(), policy)
    assert stdin.tell() == 0


def test_a_detector_that_fails_is_an_error_of_its_line() -> None:
    stdout = io.BytesIO()
    run(
        io.BytesIO(b'{"id":1,"text":"attack"}\n{"id":2,"text":"hello"}\n'),
        stdout,
        WordDetector(high=float("nan")),
        DEFAULT_POLICY,
    )
    failed, answer = (json.loads(line) for line in stdout.getvalue().splitlines())
    assert (failed["id"], failed["error"]["code"]) == (1, "JUDGEMENT_UNAVAILABLE")
    assert answer["decision"] == "allow"
