"""The other commands of the program."""

import asyncio
import json
from pathlib import Path

import pytest

from training.main import VERSION
from training.settings import VARIABLES
from training.tests.support.child import python
from training.tests.support.served import bare_environment, run
from training.work.jobs.verdicts import CANNOT_BEGIN


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    return bare_environment(str(tmp_path))


async def test_the_version_is_the_files(bare: dict[str, str]) -> None:
    status, out, _ = await run("--version", environment=bare)

    assert (status, out.decode().split()[-1]) == (0, VERSION)


async def test_help_lists_every_setting(bare: dict[str, str]) -> None:
    status, out, _ = await run("serve", "--help", environment=bare)

    assert status == 0
    for variable in VARIABLES:
        assert f"TRAINING_{variable.name}\n" in out.decode()


@pytest.mark.parametrize("arguments", [["fly"], ["serve", "--fast"], ["train", "linear"], []])
async def test_what_is_unknown_is_a_usage_error(bare: dict[str, str], arguments: list[str]) -> None:
    assert (await run(*arguments, environment=bare))[0] == 2


@pytest.mark.parametrize("command", ["migrate", "serve", "worker", "registry verify"])
async def test_what_needs_a_database_says_so(bare: dict[str, str], command: str) -> None:
    status, _, error = await run(*command.split(), environment=bare)

    assert status == 1
    assert "DATABASE_URL" in error
    assert error.count("\n") == 1


async def test_what_cannot_be_evaluated_is_told_in_one_line(
    bare: dict[str, str], tmp_path: Path
) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("not json\n")
    arguments = ("evaluate", "--bundle", str(tmp_path), "--data", str(data))

    status, out, error = await run(*arguments, environment=bare)

    assert (status, out) == (1, b"")
    assert error.startswith("training: ")
    assert error.count("\n") == 1


async def test_help_and_version_load_nothing_heavy(bare: dict[str, str]) -> None:
    code = (
        "import sys, training.main;"
        "heavy = {'numpy', 'scipy', 'litestar', 'asyncpg', 'obstore', 'mlflow', 'ray'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert await _printed(code, bare) == "[]"


@pytest.mark.parametrize("process", ["serving", "working"])
async def test_processes_load_nothing_that_only_jobs_need(
    bare: dict[str, str], process: str
) -> None:
    code = (
        f"import sys, training.wiring.{process};"
        "heavy = {'scipy', 'sklearn', 'pyarrow', 'matplotlib', 'mlflow', 'ray', 'alembic',"
        " 'sqlalchemy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert await _printed(code, bare) == "[]"


async def _printed(code: str, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *python("-c", code), env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode().strip()


async def test_the_openapi_document_is_stable(bare: dict[str, str]) -> None:
    status, out, _ = await run("openapi", environment=bare)

    assert status == 0
    document = json.loads(out)
    assert out.decode() == json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert document["info"]["version"] == VERSION


async def test_a_job_is_not_blamed_for_a_secret_that_its_process_lacks(
    bare: dict[str, str], tmp_path: Path
) -> None:
    missing = {"TRAINING_MLFLOW_USERNAME": "mlflow"}
    missing |= {"TRAINING_MLFLOW_PASSWORD_FILE": str(tmp_path / "nowhere")}

    status, _, error = await run("job-process", "0", environment=bare | missing)

    assert status == CANNOT_BEGIN
    assert "nowhere" in error
    assert error.count("\n") == 1
