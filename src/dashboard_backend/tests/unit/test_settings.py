"""Settings come from the environment, and a mistake is named."""

from pathlib import Path

import pytest

from dashboard_backend.settings import SettingsError, read_settings, settings_help


def test_defaults_listen_on_loopback() -> None:
    settings = read_settings({"HOME": "/"})
    assert (settings.host, settings.port) == ("127.0.0.1", 8007)
    assert settings.ops_port_or_default == 18007


def test_secret_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    settings = read_settings({"DASHBOARD_BACKEND_DATABASE_PASSWORD_FILE": str(file)})
    assert settings.database_password_file == "s3cret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DASHBOARD_BACKEND_PROT", "8007"),
        ("DASHBOARD_BACKEND_PORT", "tcp://10.0.0.1:8007"),
        ("DASHBOARD_BACKEND_PORT", "60000"),
        ("DASHBOARD_BACKEND_DATABASE_URL", "postgresql://user:secret@host/db"),
        ("DASHBOARD_BACKEND_DATABASE_URL", "mysql://host/db"),
        ("DASHBOARD_BACKEND_REDIS_PASSWORD_FILE", "/nowhere/at/all"),
        ("DASHBOARD_BACKEND_TRACE_SAMPLE_RATIO", "2"),
        ("DASHBOARD_BACKEND_LOG_LEVEL", "loud"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ],
)
def test_mistake_is_named_and_its_secret_is_not(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert "DASHBOARD_BACKEND_" in str(caught.value) or name in str(caught.value)
    assert "secret" not in str(caught.value)


def test_help_lists_every_variable() -> None:
    for name in ("HOST", "PORT", "OPS_PORT", "ADMIN_KEY_FILE", "MODEL_API_URL"):
        assert f"DASHBOARD_BACKEND_{name}\n" in settings_help()
