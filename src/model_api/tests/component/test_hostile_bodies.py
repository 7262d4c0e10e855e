"""Bodies that no decent client sends: each is refused as a problem, none is a 500."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from model_api.tests.support.api import BENIGN, Api, assert_problem, environment, serving

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"text": "a"} {}',
        b'{"text": "\\ud800"}',
        b'{"text": "\\udc00\\ud800"}',
        b'{"text": "\xff"}',
        b'{"text": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b'{"text": NaN}',
        json.dumps({"text": "é"}, ensure_ascii=False).encode("utf-16"),
        b"not json",
        b"\x00" * 64,
    ],
)
async def test_what_is_not_json_is_malformed(standalone: Api, body: bytes) -> None:
    answer = await standalone.anonymous("POST", "/predict", content=body, headers=JSON)

    assert_problem(answer, 400, "MALFORMED_BODY")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"text": ' + b"[" * 100_000,
        b'{"texts": ["a", ' + b'{"a":' * 100_000,
        b'{"text": 1' + b"0" * 5_000 + b"}",
        b'{"text": 1e999}',
        b'{"text": "a", "include_windows": "yes"}',
        b'{"text": {"text": "a"}}',
        b"null",
        b"0",
    ],
)
async def test_json_of_the_wrong_shape_fails_validation(standalone: Api, body: bytes) -> None:
    answer = await standalone.anonymous("POST", "/predict", content=body, headers=JSON)

    assert_problem(answer, 422, "VALIDATION_FAILED")


async def test_nul_is_a_character_like_others(standalone: Api) -> None:
    answered = await standalone.predict(text="a\x00b")

    assert answered["recorded"] is True


async def test_of_a_key_given_twice_the_last_counts(standalone: Api) -> None:
    body = b'{"text": 1, "text": "a"}'
    answer = await standalone.anonymous("POST", "/predict", content=body, headers=JSON)
    assert_problem(answer, 422, "VALIDATION_FAILED")

    body = b'{"text": "a", "text": "b", "policy": "default", "policy": "absent"}'
    answer = await standalone.anonymous("POST", "/predict", content=body, headers=JSON)
    assert_problem(answer, 422, "UNKNOWN_POLICY")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/jsonp"},
        {**JSON, "Content-Encoding": "gzip"},
        {**JSON, "Content-Encoding": "br"},
    ],
)
async def test_other_kinds_of_bodies_are_refused(standalone: Api, headers: dict[str, str]) -> None:
    body = gzip.compress(b'{"text": "a"}')
    answer = await standalone.anonymous("POST", "/predict", content=body, headers=headers)

    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/json; charset="utf-8"'],
)
async def test_json_in_utf8_is_taken_however_it_is_spelt(
    standalone: Api, content_type: str
) -> None:
    answer = await standalone.anonymous(
        "POST", "/predict", content=b'{"text": "a"}', headers={"Content-Type": content_type}
    )

    assert answer.status_code == 200


@pytest.fixture
async def small(state_dir: Path) -> AsyncIterator[Api]:
    variables = environment(state_dir)
    async with serving({**variables, "MODEL_API_MAX_BODY_BYTES": "2048"}) as api:
        yield api


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(small: Api) -> None:
    body = json.dumps({"text": "x" * 4096}).encode()

    problem = assert_problem(
        await small.anonymous("POST", "/predict", content=body, headers=JSON),
        413,
        "BODY_TOO_LARGE",
    )

    assert "2048" in problem["detail"]


async def test_a_body_that_does_not_tell_its_size_is_measured(small: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(64):
            yield b"x" * 64
        raise AssertionError("read beyond the limit")

    answer = await small.anonymous("POST", "/predict", content=endless(), headers=JSON)

    assert_problem(answer, 413, "BODY_TOO_LARGE")


async def test_a_body_that_does_not_come_is_not_waited_for(state_dir: Path) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        await asyncio.Event().wait()

    variables = {**environment(state_dir), "MODEL_API_BODY_SECONDS": "0.05"}
    async with asyncio.timeout(60), serving(variables) as api:
        answer = await api.anonymous("POST", "/predict", content=stalling(), headers=JSON)

        assert_problem(answer, 408, "BODY_TOO_SLOW")
        assert answer.headers["connection"] == "close"


async def test_errors_never_quote_the_body(
    standalone: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "the-secret-of-the-prompt"
    bodies = [
        {"text": 1, "policy": secret},
        {"text": BENIGN, "policy": secret},
        {"text": secret, "include_windows": secret},
        {"messages": [{"role": "r", "content": secret, "name": secret}]},
        {"text": secret},
    ]
    for body in bodies:
        answer = await standalone.anonymous("POST", "/predict", json=body)
        assert secret not in answer.text
    answer = await standalone.anonymous(
        "POST", "/predict", content=b'{"text": "' + secret.encode(), headers=JSON
    )
    assert secret not in answer.text
    assert secret not in "".join(capsys.readouterr())
