"""The process of a job of the tests' own kinds.

Usage: job_process TERMS DESCRIPTOR, where TERMS are those of its worker, as JSON.
"""

import sys

import msgspec

from training.adapters.object_store import BlockingObjectStore
from training.tests.support.workers import Terms, kinds_of
from training.work.jobs.process import serve

if __name__ == "__main__":
    terms = msgspec.json.decode(sys.argv[1], type=Terms)
    serve(
        int(sys.argv[2]),
        kinds_of(terms),
        BlockingObjectStore(terms.address),
        BlockingObjectStore(terms.models or terms.address),
        terms.memory_bytes or None,
        niceness=1,
    )
