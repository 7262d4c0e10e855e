import os
import shutil
import tempfile
from pathlib import Path

import pytest

from bartizan.errors import BartizanError
from bartizan.home import Home
from bartizan.infrastructure.account import Account
from bartizan.infrastructure.postgres import refuse_other_version
from bartizan.infrastructure.postgres_place import find_place

NOBODY = Account("nobody", 65534, 65534)
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def test_an_account_passes_where_every_folder_above_lets_it(tmp_path: Path) -> None:
    inner = tmp_path / "open" / "inner"
    inner.mkdir(parents=True, mode=0o755)
    me = Account("me", os.geteuid(), os.getegid())
    assert me.may_enter(inner)
    stranger = Account("stranger", 54321, 54321)
    (tmp_path / "open").chmod(0o700)
    assert not stranger.may_enter(inner)


def test_without_root_the_data_lies_in_the_state_folder(tmp_path: Path) -> None:
    place = find_place(Home(tmp_path), None)
    assert place.data == tmp_path / "postgres" / "data"
    assert (tmp_path / "postgres").stat().st_mode & 0o777 == 0o700
    assert Path(place.program("postgres")).is_file()


@ROOT_ONLY
def test_with_root_a_closed_state_folder_sends_the_data_elsewhere(tmp_path: Path) -> None:
    home, elsewhere = Home(tmp_path / "home"), Path(tempfile.mkdtemp())
    home.path.mkdir()
    tmp_path.chmod(0o700)
    try:
        place = find_place(home, NOBODY, elsewhere)
        assert place.data.is_relative_to(elsewhere)
        assert find_place(home, NOBODY, elsewhere) == place
        assert NOBODY.may_enter(place.data.parent)
        assert NOBODY.may_enter(Path(place.program("postgres")).parent)
        assert place.data.parent.stat().st_uid == NOBODY.uid
        home.remove()
        assert list(elsewhere.iterdir()) == []
    finally:
        shutil.rmtree(elsewhere)


def test_data_of_another_major_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("16\n")
    with pytest.raises(BartizanError, match=r"PostgreSQL 16.*runs 18.*pg_dumpall"):
        refuse_other_version(tmp_path)
