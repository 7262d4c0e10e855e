"""What a job is told of a version that it is to judge."""

import msgspec


class BundleInput(msgspec.Struct, frozen=True):
    """A version's bundle in the bucket of models."""

    version: int
    digest: str
    location: str
