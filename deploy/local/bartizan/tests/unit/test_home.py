from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bartizan.home import Home


def test_commands_at_once_make_one_home(tmp_path: Path) -> None:
    """None trips over what another one tries out or has made already."""
    homes = [Home(tmp_path / str(number)) for number in range(100) for _ in range(8)]
    with ThreadPoolExecutor(8) as commands:
        made = [commands.submit(home.create, ("guard",)) for home in homes]
    for each in made:
        each.result()
    assert list((tmp_path / "0" / "run").iterdir()) == [tmp_path / "0" / "run" / "processes"]
