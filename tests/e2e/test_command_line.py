"""Each program on its own: on a machine with nothing but CPython."""

import pytest

from e2e.programs import NAMES
from e2e.running_platform import Platform

COMMANDS: dict[str, tuple[str, ...]] = {
    "model_api": ("serve", "migrate", "openapi", "relay", "judge", "bundle"),
    "dashboard_backend": ("serve", "migrate", "openapi"),
    "training": ("serve", "worker", "migrate", "openapi", "register"),
    "mlflow": ("serve", "migrate"),
    "bartizan": (
        "up",
        "down",
        "status",
        "logs",
        "restart",
        "reset",
        "scan",
        "train",
        "cancel",
        "quarantine",
        "models",
        "report",
        "rollout",
        "rollback",
        "history",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_help_names_every_command(idle_platform: Platform, name: str) -> None:
    result = idle_platform.programs.run(name, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"\n  {command} " in result.stdout for command in COMMANDS[name])


@pytest.mark.parametrize("name", NAMES)
def test_version_is_told(idle_platform: Platform, name: str) -> None:
    result = idle_platform.programs.run(name, "--version")
    assert result.returncode == 0
    version = result.stdout.split()[-1]
    assert [part.isdigit() for part in version.split(".")] == [True, True, True]


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_command_is_a_usage_error(idle_platform: Platform, name: str) -> None:
    result = idle_platform.programs.run(name, "conquer")
    assert result.returncode == 2
    assert "conquer" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("model_api", "MODEL_API_PROT"),
        ("dashboard_backend", "DASHBOARD_BACKEND_PROT"),
        ("training", "TRAINING_PROT"),
        ("mlflow", "BARTIZAN_MLFLOW_PROT"),
    ],
)
def test_a_misspelt_setting_stops_the_start_and_is_named(
    idle_platform: Platform, name: str, variable: str
) -> None:
    result = idle_platform.programs.run(name, "serve", environment={variable: "1"})
    assert result.returncode == 1
    assert variable in result.stderr
    assert "Traceback" not in result.stderr


def test_the_guard_refuses_to_serve_other_machines_anonymously(idle_platform: Platform) -> None:
    result = idle_platform.programs.run(
        "model_api", "serve", environment={"MODEL_API_HOST": "192.0.2.1"}
    )
    assert result.returncode == 1
    assert "MODEL_API_ALLOW_ANONYMOUS" in result.stderr


@pytest.mark.parametrize("name", ["model_api", "dashboard_backend", "training"])
def test_openapi_needs_no_environment(idle_platform: Platform, name: str) -> None:
    result = idle_platform.programs.run(name, "openapi")
    assert result.returncode == 0, result.stderr
    assert '"openapi": "3.1.0"' in result.stdout
