import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_api.adapters.bundles.files import load_bundle
from model_api.domain.bundle import BundleRefused
from model_api.tests.support.bundle_factory import (
    SPEC,
    contents,
    manifest,
    npy,
    weights,
    write,
)

type Spoil = Callable[[dict[str, Any]], None]


def refusal(folder: Path) -> str:
    with pytest.raises(BundleRefused) as refused:
        load_bundle(folder)
    return refused.value.reason


def test_a_valid_bundle_loads_with_the_digest_of_its_manifest(tmp_path: Path) -> None:
    files = contents()
    write(tmp_path, files, manifest(files))
    raw = (tmp_path / "manifest.json").read_bytes()
    assert load_bundle(tmp_path).digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"


@pytest.mark.parametrize("name", ["manifest.json", "weights.npy", "self_test.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    files = contents()
    (write(tmp_path, files, manifest(files)) / name).unlink()
    assert refusal(tmp_path).startswith(f"{name}: missing")


@pytest.mark.parametrize("name", ["weights.npy", "self_test.json"])
def test_a_changed_byte_is_found(tmp_path: Path, name: str) -> None:
    files = contents()
    write(tmp_path, files, manifest(files))
    changed = bytearray(files[name])
    changed[-2] ^= 1
    (tmp_path / name).write_bytes(changed)
    assert refusal(tmp_path).startswith(f"{name}: sha256 is ")


@pytest.mark.parametrize(
    ("change", "words"), [(b"x", "larger than"), (None, "bytes, the manifest")]
)
def test_a_changed_size_is_found(tmp_path: Path, change: bytes | None, words: str) -> None:
    files = contents()
    write(tmp_path, files, manifest(files))
    content = files["weights.npy"]
    (tmp_path / "weights.npy").write_bytes(content + change if change else content[:-1])
    assert words in refusal(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    files = contents()
    folder = write(tmp_path / "bundle", files, manifest(files))
    (tmp_path / "elsewhere").write_bytes(files["weights.npy"])
    (folder / "weights.npy").unlink()
    (folder / "weights.npy").symlink_to(tmp_path / "elsewhere")
    assert refusal(folder) == "weights.npy: not a regular file"


SPOILED_MANIFESTS: list[tuple[Spoil, str]] = [
    (lambda m: m.update(format="bartizan.model-bundle/9"), "format 'bartizan.model-bundle/9'"),
    (lambda m: m.update(kind="pickle"), "kind 'pickle'"),
    (lambda m: m.update(preprocessing={"normaliser": "none"}), "preprocessing"),
    (lambda m: m["features"].update(hash="md5"), "hash 'md5'"),
    (lambda m: m["features"].update(buckets=7), "buckets is 7"),
    (lambda m: m["features"].update(char_bits=40), "char_bits"),
    (lambda m: m["features"].update(char_ngrams=[5, 2]), "char_ngrams"),
    (lambda m: m["features"].update(word_ngrams=[2, 2]), "word_ngrams"),
    (lambda m: m["features"].pop("hash"), "missing required field `hash`"),
    (lambda m: m["window"].update(overlap=64), "window"),
    (lambda m: m["weights"].update(dtype="object"), "'object'"),
    (lambda m: m["weights"].update(biases=[0.0]), "1 biases, 3 are needed"),
    (lambda m: m.update(categories=["same", "same"]), "categories"),
    (lambda m: m["calibration"].update(slope=-1.0), "calibration"),
    (lambda m: m["operating_points"].pop("strict"), "operating points"),
    (lambda m: m["operating_points"]["strict"].update(threshold=0.0), "threshold"),
    (lambda m: m["self_test"].update(tolerance=0.5), "tolerance"),
    (lambda m: m["files"].pop("weights.npy"), "weights.npy: used by the manifest but not listed"),
    (lambda m: m["files"]["weights.npy"].update(bytes=1 << 40), "weights.npy: 1099511627776 bytes"),
]


@pytest.mark.parametrize(("spoil", "words"), SPOILED_MANIFESTS)
def test_a_manifest_that_cannot_be_served_is_refused(
    tmp_path: Path, spoil: Spoil, words: str
) -> None:
    files = contents()
    described: dict[str, Any] = manifest(files)
    spoil(described)
    assert words in refusal(write(tmp_path, files, described))


@pytest.mark.parametrize(
    "name", ["../weights.npy", "/etc/hostname", "a/b", "..", "", "c:\\x", "..\\x", "x\x00"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    files = contents()
    described: dict[str, Any] = manifest(files)
    described["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    assert "not a plain file name" in refusal(write(tmp_path, files, described))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b" " * 300_000])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(raw)
    assert refusal(tmp_path).startswith("manifest.json: ")


NOT_A_NUMBER = weights()
NOT_A_NUMBER[1, 5] = np.nan


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(weights()[:2]), f"shape (2, {SPEC.buckets})"),
        (npy(weights().astype(np.float64)), "type float64"),
        (npy(np.asfortranarray(weights())), "row-major"),
        (npy(NOT_A_NUMBER), "not finite"),
        (npy(weights())[:-2], "do not fill"),
        (b"PK\x03\x04 an archive", "not a .npy file"),
        (b"", "not a .npy file"),
        (npy(np.array([[object()]])), "shape (1, 1)"),
    ],
)
def test_weights_that_are_not_what_the_manifest_says_are_refused(
    tmp_path: Path, content: bytes, words: str
) -> None:
    files = contents() | {"weights.npy": content}
    reason = refusal(write(tmp_path, files, manifest(files)))
    assert reason.startswith("weights.npy: ")
    assert words in reason


def spoiled_cases(change: Callable[[list[dict[str, Any]]], None]) -> dict[str, bytes]:
    files = contents()
    cases = json.loads(files["self_test.json"])
    change(cases)
    return files | {"self_test.json": json.dumps(cases).encode()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cases: cases[0].update(score=cases[0]["score"] - 0.01), "case 'case-0' scores"),
        (lambda cases: cases[3].update(categories=[0.0, 0.0]), "case 'case-3' scores"),
        (lambda cases: cases[3].update(categories=[]), "case 'case-3' scores"),
        (lambda cases: cases[7].update(expected="attack"), "case 'case-7' is judged against"),
        (lambda cases: cases.pop(), "7 cases, 8 are needed"),
        (lambda cases: [case.update(expected="attack") for case in cases], "must expect both"),
    ],
)
def test_a_self_test_that_fails_is_refused(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], words: str
) -> None:
    files = spoiled_cases(change)
    reason = refusal(write(tmp_path, files, manifest(files)))
    assert reason.startswith("self_test.json: ")
    assert words in reason


def test_a_refusal_never_quotes_a_text(tmp_path: Path) -> None:
    files = spoiled_cases(lambda cases: cases[0].update(score=0.0, text="a private sentence"))
    assert "private" not in refusal(write(tmp_path, files, manifest(files)))
