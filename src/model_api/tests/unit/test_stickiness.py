"""Who goes to the canary: laws that hold for every key and weight."""

from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.deployments.stickiness import bound_of, place_of, salt_of

weights = st.floats(min_value=0, max_value=1)
keys = st.tuples(st.text(), st.text())


@given(keys, st.text(), weights, weights)
def test_raising_the_weight_only_ever_adds_keys(
    key: tuple[str, str], rollout: str, one: float, other: float
) -> None:
    place = place_of(salt_of(rollout), "session", *key)
    smaller, larger = sorted((one, other))

    assert not place < bound_of(smaller) or place < bound_of(larger)


@given(keys, st.text())
def test_everybody_goes_at_weight_one_and_nobody_at_zero(
    key: tuple[str, str], rollout: str
) -> None:
    assert bound_of(0) <= place_of(salt_of(rollout), "session", *key) < bound_of(1)


@given(st.text(min_size=1, max_size=64), st.sampled_from([0.01, 0.05, 0.25, 0.5, 0.9]))
def test_the_share_of_keys_is_about_the_weight(rollout: str, weight: float) -> None:
    salt, bound, total = salt_of(rollout), bound_of(weight), 4_000
    places = (place_of(salt, "session", "acme", f"session-{index}") for index in range(total))

    share = sum(place < bound for place in places) / total

    # Six standard deviations of the binomial distribution.
    assert abs(share - weight) < 6 * (weight * (1 - weight) / total) ** 0.5


@given(keys, keys, st.sampled_from(["session", "tenant"]), st.sampled_from(["session", "tenant"]))
def test_different_keys_have_places_of_their_own(
    one: tuple[str, str], other: tuple[str, str], kind: str, other_kind: str
) -> None:
    if "\0" in one[0] + other[0]:
        return
    same = place_of(b"salt", kind, *one) == place_of(b"salt", other_kind, *other)

    assert same == ((kind, one) == (other_kind, other))


def test_two_rollouts_do_not_begin_with_the_same_keys() -> None:
    bound = bound_of(0.1)
    chosen = [
        {key for key in range(2_000) if place_of(salt_of(salt), "session", "a", str(key)) < bound}
        for salt in ("one", "other")
    ]

    assert len(chosen[0] & chosen[1]) < 0.5 * min(map(len, chosen))
