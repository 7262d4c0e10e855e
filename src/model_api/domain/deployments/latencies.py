"""Latencies counted in buckets, so that percentiles of many processes and seconds can be added up.

Each power of two is cut into 16 equal buckets (as in HdrHistogram), so that a percentile is off by
no more than one part in 32 of itself.
"""

from collections.abc import Mapping
from itertools import accumulate

_BITS = 4
_LINEAR = 1 << _BITS


def bucket_of(microseconds: int) -> int:
    """The number of the bucket that a latency falls into; never less for a longer one."""
    if microseconds < _LINEAR:
        return max(microseconds, 0)
    shift = microseconds.bit_length() - _BITS - 1
    return (shift << _BITS) + (microseconds >> shift)


def middle_of(bucket: int) -> float:
    """The middle of a bucket, in microseconds."""
    if bucket < _LINEAR:
        return float(bucket)
    shift = (bucket >> _BITS) - 1
    lowest = (bucket - (shift << _BITS)) << shift
    return lowest + ((1 << shift) - 1) / 2


def percentile(counts: Mapping[int, int], share: float) -> float:
    """The latency in microseconds that ``share`` of all do not exceed (nearest rank), as its
    bucket's middle; ValueError where nothing was counted."""
    total = sum(counts.values())
    if total <= 0:
        raise ValueError("no latency was counted")
    rank = max(1, -int(-total * share // 1))
    buckets = sorted(counts)
    for bucket, reached in zip(buckets, accumulate(counts[each] for each in buckets), strict=True):
        if reached >= rank:
            return middle_of(bucket)
    return middle_of(buckets[-1])
