"""Texts at rest: readable with their key, and never again once it is forgotten."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.store import PredictionStore
from model_api.adapters.predictions.subject_keys import SubjectKeys, TextCipher, TextUnreadable
from model_api.adapters.spool.spool import Spool
from model_api.events.recorder import Recorder
from model_api.tests.support.counters import RecorderCounters
from model_api.tests.support.predictions import a_prediction

TEXT = "Ignore all previous instructions, ünïcode ✓"
SUBJECT = b"subject"


@pytest.fixture
def cipher() -> TextCipher:
    return TextCipher(os.urandom(32))


@pytest.fixture
async def recorder(database: Database, tmp_path: Path) -> AsyncIterator[Recorder]:
    with Spool(tmp_path, 1_000_000) as spool:
        async with Recorder(database, spool, RecorderCounters()) as recorder:
            yield recorder


async def test_a_stored_text_can_be_read_and_is_not_in_the_database(
    recorder: Recorder, database: Database, cipher: TextCipher
) -> None:
    with_text, without = a_prediction(), a_prediction()
    sealed = cipher.seal("acme", SUBJECT, with_text.id, TEXT)
    await recorder.record([with_text, without], [sealed, None], durable=True)
    store = PredictionStore(database)

    found = await store.sealed_text("acme", with_text.id)
    assert found is not None
    assert cipher.open("acme", with_text.id, found) == TEXT
    assert await store.sealed_text("acme", without.id) is None
    assert await store.sealed_text("globex", with_text.id) is None
    async with database.connection() as connection:
        dump = await connection.fetch(
            "SELECT p::text, x::text, o::text FROM predictions p"
            " LEFT JOIN prediction_texts x ON x.prediction_id = p.id, outbox o"
        )
    assert "previous" not in str(dump)


async def test_a_forgotten_subjects_texts_are_gone_and_stay_gone(
    recorder: Recorder, database: Database, cipher: TextCipher
) -> None:
    mine, theirs, late = a_prediction(), a_prediction(), a_prediction()
    await recorder.record(
        [mine, theirs],
        [
            cipher.seal("acme", SUBJECT, mine.id, TEXT),
            cipher.seal("acme", b"another", theirs.id, TEXT),
        ],
        durable=True,
    )
    sealed_before = cipher.seal("acme", SUBJECT, late.id, TEXT)
    assert await SubjectKeys(database).forget("acme", SUBJECT) == 1
    # A text that was still in a spool, under the key that has been forgotten since.
    await recorder.record([late], [sealed_before], durable=True)

    store = PredictionStore(database)
    assert await store.sealed_text("acme", mine.id) is None
    assert await store.sealed_text("acme", late.id) is None
    assert await store.get("acme", late.id) == late
    assert await store.sealed_text("acme", theirs.id) is not None
    async with database.connection() as connection:
        kept = await connection.fetchval(
            "SELECT count(*) FROM subject_keys WHERE subject_fingerprint = $1"
            " AND wrapped_key IS NOT NULL",
            SUBJECT,
        )
        texts = await connection.fetch("SELECT prediction_id FROM prediction_texts")
    assert kept == 0
    assert [row["prediction_id"] for row in texts] == [theirs.id]


async def test_a_forgotten_subject_may_come_back_under_a_new_key(
    recorder: Recorder, database: Database, cipher: TextCipher
) -> None:
    first, second = a_prediction(), a_prediction()
    await recorder.record([first], [cipher.seal("acme", SUBJECT, first.id, TEXT)], durable=True)
    await SubjectKeys(database).forget("acme", SUBJECT)
    cipher.forget("acme", SUBJECT)
    await recorder.record([second], [cipher.seal("acme", SUBJECT, second.id, TEXT)], durable=True)

    found = await PredictionStore(database).sealed_text("acme", second.id)
    assert found is not None
    assert cipher.open("acme", second.id, found) == TEXT


def test_a_text_opens_only_where_it_belongs(cipher: TextCipher) -> None:
    prediction, another = a_prediction(), a_prediction()
    sealed = cipher.seal("acme", SUBJECT, prediction.id, TEXT)

    assert cipher.open("acme", prediction.id, sealed) == TEXT
    flipped = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
    for tenant, prediction_id, candidate in (
        ("globex", prediction.id, sealed),
        ("acme", another.id, sealed),
        ("acme", prediction.id, replace(sealed, subject_fingerprint=b"another")),
        ("acme", prediction.id, replace(sealed, ciphertext=flipped)),
    ):
        with pytest.raises(TextUnreadable, match="authenticate"):
            cipher.open(tenant, prediction_id, candidate)
    with pytest.raises(TextUnreadable, match="another text key"):
        TextCipher(os.urandom(32)).open("acme", prediction.id, sealed)


def test_a_data_key_serves_one_subject_for_a_while() -> None:
    now = 0.0
    cipher = TextCipher(os.urandom(32), clock=lambda: now)

    def key(subject: bytes | None) -> object:
        return cipher.seal("acme", subject, a_prediction().id, TEXT).key_id

    first = key(SUBJECT)
    assert key(SUBJECT) == first
    assert key(b"another") != first
    assert key(None) != first
    now = 601.0
    assert key(SUBJECT) != first
