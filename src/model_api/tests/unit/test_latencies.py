"""Latencies in buckets: percentiles that are nearly those of the latencies themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.deployments.latencies import bucket_of, middle_of, percentile

latencies = st.integers(min_value=0, max_value=600_000_000)


@given(latencies)
def test_a_buckets_middle_is_close_to_all_that_falls_into_it(latency: int) -> None:
    assert abs(middle_of(bucket_of(latency)) - latency) <= latency / 32


@given(latencies, latencies)
def test_a_longer_latency_is_never_in_a_lower_bucket(one: int, other: int) -> None:
    shorter, longer = sorted((one, other))

    assert bucket_of(shorter) <= bucket_of(longer)


@given(st.lists(latencies, min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_that_of_the_latencies(values: list[int], share: float) -> None:
    counts: dict[int, int] = {}
    for value in values:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    exact = sorted(values)[max(math.ceil(share * len(values)), 1) - 1]

    assert abs(percentile(counts, share) - exact) <= exact / 32


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no latency"):
        percentile({}, 0.5)
