"""The printed form of a key, and when it opens the door."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard_backend.domain.api_keys import (
    ApiKey,
    KeyNotActiveError,
    KeyStatus,
    format_token,
    hash_secret,
    new_secret,
    parse_token,
    revoked,
    rotated,
)
from dashboard_backend.domain.scopes import Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW, WRONG = (hash_secret(text) for text in ("old", "new", "wrong"))
KEY = ApiKey(
    id=UUID(int=1),
    tenant="acme",
    name="test",
    scopes=frozenset({Scope.PREDICT}),
    secret_hash=OLD,
    created_at=NOW,
)


@given(st.uuids())
def test_token_is_read_back(key_id: UUID) -> None:
    secret = new_secret()
    presented = parse_token(format_token(key_id, secret))
    assert presented == (key_id, hash_secret(secret))


@given(st.text())
def test_other_text_is_no_token(text: str) -> None:
    assert parse_token(text) is None


def test_token_with_something_around_it_is_none() -> None:
    token = format_token(UUID(int=1), new_secret())
    for spoiled in (token + "\n", " " + token, token.upper(), token[:-1], token + "0"):
        assert parse_token(spoiled) is None


def test_secret_has_256_bits() -> None:
    assert len(bytes.fromhex(new_secret())) == 32


def test_only_the_right_secret_opens() -> None:
    assert KEY.accepts(OLD, NOW)
    assert not KEY.accepts(WRONG, NOW)


def test_key_expires_at_the_instant() -> None:
    key = replace(KEY, expires_at=NOW)
    assert key.accepts(OLD, NOW - timedelta(microseconds=1))
    assert not key.accepts(OLD, NOW)
    assert key.status(NOW) is KeyStatus.EXPIRED


def test_revoked_key_opens_nothing_and_stays_revoked() -> None:
    key = revoked(KEY, NOW)
    assert not key.accepts(OLD, NOW)
    assert revoked(key, NOW + timedelta(days=1)) == key
    assert replace(key, expires_at=NOW).status(NOW) is KeyStatus.REVOKED


def test_rotation_without_grace_closes_the_former_secret() -> None:
    key = rotated(KEY, NEW, timedelta(0), NOW)
    assert key.accepts(NEW, NOW)
    assert not key.accepts(OLD, NOW)


def test_rotation_with_grace_keeps_the_former_secret_until_its_end() -> None:
    key = rotated(KEY, NEW, timedelta(minutes=1), NOW)
    assert key.accepts(OLD, NOW + timedelta(seconds=59))
    assert not key.accepts(OLD, NOW + timedelta(seconds=60))
    assert key.accepts(NEW, NOW + timedelta(days=1))


def test_second_rotation_drops_the_first_secret() -> None:
    key = rotated(rotated(KEY, NEW, timedelta(hours=1), NOW), WRONG, timedelta(hours=1), NOW)
    assert not key.accepts(OLD, NOW)
    assert key.accepts(NEW, NOW)


@pytest.mark.parametrize("key", [revoked(KEY, NOW), replace(KEY, expires_at=NOW)])
def test_closed_key_is_not_rotated(key: ApiKey) -> None:
    with pytest.raises(KeyNotActiveError):
        rotated(key, NEW, timedelta(0), NOW)
