"""The spool on a real disk: what was acknowledged is read back, whatever happened to the rest."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_api.adapters.spool.errors import SpoolFull, SpoolInUse, SpoolUnwritable
from model_api.adapters.spool.frames import Damage, Record, pack, scan
from model_api.adapters.spool.spool import Spool
from model_api.tests.support.child import environment, python

BOUND = 100_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(place: Path) -> Iterator[Spool]:
    with Spool(place, BOUND, segment_bytes=200) as spool:
        yield spool


def payloads(*names: str) -> list[bytes]:
    return [name.encode() * 10 for name in names]


def drain(spool: Spool) -> list[bytes]:
    found = []
    while batch := spool.read(3):
        found += batch
        spool.advance(len(batch))
    return found


def segments(place: Path) -> list[Path]:
    return sorted(place.glob("*.segment"))


def test_payloads_come_back_in_order_across_segments(spool: Spool, place: Path) -> None:
    written = [f"record {number}".encode() * 5 for number in range(40)]
    for start in range(0, 40, 4):
        spool.append(written[start : start + 4])
    assert len(segments(place)) > 3

    assert drain(spool) == written

    assert spool.is_empty
    assert spool.size == 0
    assert segments(place) == []


def test_what_was_not_advanced_over_is_read_again(spool: Spool) -> None:
    spool.append(payloads("a", "b", "c"))

    assert spool.read(2) == spool.read(2) == payloads("a", "b")
    spool.advance(1)
    assert spool.read(3) == payloads("b", "c")


def test_appending_goes_on_while_the_same_segment_is_read(spool: Spool) -> None:
    spool.append(payloads("a"))
    assert spool.read(5) == payloads("a")
    spool.append(payloads("b"))
    spool.advance(1)

    assert drain(spool) == payloads("b")
    spool.append(payloads("c"))
    assert drain(spool) == payloads("c")


def test_a_new_process_finds_what_the_last_one_left(place: Path) -> None:
    with Spool(place, BOUND) as first:
        first.append(payloads("a", "b"))
    with Spool(place, BOUND) as second:
        second.append(payloads("c"))
        assert drain(second) == payloads("a", "b", "c")


def test_a_segment_in_progress_is_replayed_from_its_beginning(place: Path) -> None:
    with Spool(place, BOUND) as first:
        first.append(payloads("a", "b"))
        first.read(1)
        first.advance(1)
    with Spool(place, BOUND) as second:
        assert drain(second) == payloads("a", "b")


@pytest.mark.parametrize("lost", [1, 5, 11, 13, 21])
def test_a_torn_end_costs_only_the_frame_that_was_torn(place: Path, lost: int) -> None:
    with Spool(place, BOUND) as first:
        first.append(payloads("a", "b", "c"))
    segment = segments(place)[0]
    os.truncate(segment, segment.stat().st_size - lost)

    with Spool(place, BOUND) as second:
        second.append(payloads("d"))
        assert drain(second) == payloads("a", "b", "d")


@pytest.mark.parametrize("offset", [0, 2, 5, 9, 15, 21])
def test_a_damaged_frame_is_set_aside_and_the_next_is_found(place: Path, offset: int) -> None:
    with Spool(place, BOUND) as first:
        first.append(payloads("a", "b", "c"))
    segment = segments(place)[0]
    data = bytearray(segment.read_bytes())
    damaged_at = len(pack(payloads("a")[0])) + offset
    data[damaged_at] ^= 0x40
    segment.write_bytes(data)

    with Spool(place, BOUND) as second:
        assert drain(second) == payloads("a", "c")
        assert second.quarantined == 1
    kept = list(scan((place / "quarantine").read_bytes()))
    assert isinstance(kept[0], Record)
    assert len(kept[0].payload) == len(pack(payloads("b")[0]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text().map(str.encode), max_size=8),
    st.binary(min_size=1, max_size=40),
    st.data(),
)
def test_any_rubbish_between_frames_hides_none_of_them(
    records: list[bytes], rubbish: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(records)))
    frames = [pack(record) for record in records]
    found = list(scan(b"".join([*frames[:place], rubbish, *frames[place:]])))

    assert [one.payload for one in found if isinstance(one, Record)] == records
    damaged = [one.end - one.start for one in found if isinstance(one, Damage)]
    assert damaged == [len(rubbish)]


def test_a_full_spool_refuses_whole_groups_and_takes_again_what_fits(place: Path) -> None:
    with Spool(place, 250) as spool:
        spool.append(payloads("a", "b"))
        with pytest.raises(SpoolFull):
            spool.append([b"x" * 300])
        with pytest.raises(SpoolFull):
            spool.append([b"y" * 100, b"z" * 100])
        assert drain(spool) == payloads("a", "b")
        spool.append([b"y" * 100])
        assert drain(spool) == [b"y" * 100]


def test_without_a_reader_the_oldest_make_room(place: Path) -> None:
    with Spool(place, 1000, drop_oldest=True) as spool:
        for number in range(100):
            spool.append([f"{number:03}".encode() * 20])
            assert spool.size <= 1000
        assert spool.dropped_bytes > 0
        kept = drain(spool)
    assert kept[-1] == b"099" * 20
    assert kept == [f"{number:03}".encode() * 20 for number in range(100 - len(kept), 100)]


def test_a_spool_has_one_owner(spool: Spool, place: Path) -> None:
    assert spool.is_empty
    with pytest.raises(SpoolInUse, match="another process"), Spool(place, BOUND):
        pass


def test_an_owner_that_was_killed_leaves_no_lock(place: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from model_api.adapters.spool.spool import Spool\n"
        f"with Spool(Path(sys.argv[1]), {BOUND}) as spool:\n"
        "    spool.append([b'kept']); os.kill(os.getpid(), 9)\n"
    )
    run = subprocess.run(python("-c", script, str(place)), env=environment(), check=False)
    assert run.returncode == -9
    with Spool(place, BOUND) as spool:
        assert drain(spool) == [b"kept"]


def test_a_full_disk_leaves_no_half_written_group(place: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from model_api.adapters.spool.spool import Spool\n"
        "from model_api.adapters.spool.errors import SpoolUnwritable\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "with Spool(Path(sys.argv[1]), 100000) as spool:\n"
        "    spool.append([b'a' * 600])\n"
        "    try: spool.append([b'b' * 100, b'c' * 600])\n"
        "    except SpoolUnwritable: print('refused')\n"
        "    spool.append([b'd' * 100])\n"
    )
    run = subprocess.run(
        python("-c", script, str(place)), env=environment(), check=True, capture_output=True
    )
    assert run.stdout == b"refused\n"
    with Spool(place, BOUND) as spool:
        assert drain(spool) == [b"a" * 600, b"d" * 100]
        assert spool.quarantined == 0


def test_a_directory_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolUnwritable, match="file"), Spool(tmp_path / "file" / "spool", BOUND):
        pass


def test_files_are_the_owners_alone(spool: Spool, place: Path) -> None:
    spool.append(payloads("a"))
    spool.quarantine(b"b")
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.iterdir()}
    assert set(modes.values()) == {0o600}
    assert place.stat().st_mode & 0o777 == 0o700
