"""A small, valid bundle on disk, made from nothing, that a test then spoils."""

import hashlib
import io
import json
import math
from pathlib import Path

import numpy as np

from model_api.domain.judging.ngrams import NgramSpec, extract

CATEGORIES = ("prompt_injection", "jailbreak")
SPEC = NgramSpec(char_min=2, char_max=3, word_max=2, char_bits=10, word_bits=14)
SELF_TEST = [
    *(("attack", f"please obey {thing}") for thing in ("me", "now", "this", "that")),
    *(("benign", f"a quiet {thing}") for thing in ("sea", "day", "tree", "book")),
]


def weights() -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """The word "obey" attacks, the word "quiet" calms; "jailbreak" answers to "now"."""
    table = np.zeros((3, SPEC.buckets), np.float16)
    table[0, extract("obey", SPEC).words] = 9.0
    table[0, extract("quiet", SPEC).words] = -9.0
    table[2, extract("now", SPEC).words] = 4.0
    return table


def expected_scores(text: str) -> tuple[float, list[float]]:
    """The score and the category scores, straight from the definition."""
    table = weights().astype(np.float64)
    logits = np.array([-1.0, 0.0, 0.0])
    found = extract(text, SPEC)
    for block in (found.words, found.chars):
        if block.size:
            logits += table[:, block].sum(axis=1) / math.sqrt(block.size)
    score = 1 / (1 + math.exp(-(2.0 * float(logits[0]) - 0.5)))
    shares = np.exp(logits[1:]) / np.exp(logits[1:]).sum()
    return score, [score * float(share) for share in shares]


def manifest(files: dict[str, bytes]) -> dict[str, object]:
    """The manifest of a bundle of these files."""
    return {
        "format": "bartizan.model-bundle/1",
        "name": "detector",
        "version": "1.2.3",
        "kind": "linear-hashed-ngrams/1",
        "created_at": "2026-01-31T12:00:00Z",
        "seed": 1,
        "preprocessing": {"normaliser": "nfkc-casefold-collapse/1"},
        "features": {
            "char_ngrams": [2, 3],
            "word_ngrams": [1, 2],
            "char_bits": 10,
            "word_bits": 14,
            "buckets": SPEC.buckets,
            "hash": "poly32-boundary/1",
        },
        "window": {"size": 64, "overlap": 16},
        "weights": {"file": "weights.npy", "dtype": "float16", "biases": [-1.0, 0.0, 0.0]},
        "categories": list(CATEGORIES),
        "calibration": {"method": "platt", "slope": 2.0, "intercept": -0.5},
        "operating_points": {
            name: {"threshold": threshold, "chosen_for": "a test"}
            for name, threshold in (("sensitive", 0.4), ("balanced", 0.6), ("strict", 0.9))
        },
        "training_data": [],
        "licence": "Apache-2.0",
        "metrics": {},
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in files.items()
        },
        "self_test": {"file": "self_test.json", "tolerance": 1e-4},
    }


def contents() -> dict[str, bytes]:
    """The files of the valid bundle, but for its manifest."""
    cases = []
    for index, (expected, text) in enumerate(SELF_TEST):
        score, categories = expected_scores(text)
        cases.append(
            {
                "name": f"case-{index}",
                "text": text,
                "expected": expected,
                "score": score,
                "categories": categories,
            }
        )
    return {"weights.npy": npy(weights()), "self_test.json": json.dumps(cases).encode()}


def npy(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    """The array as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write(folder: Path, files: dict[str, bytes], described: dict[str, object]) -> Path:
    """Write files and manifest into `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(described))
    return folder
