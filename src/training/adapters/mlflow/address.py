"""Where MLflow is, and how patient a caller of it may be."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MlflowAddress:
    """`url` of the tracking server, and who calls it. Goes from process to process."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def environment(self) -> dict[str, str]:
        """What MLflow's client reads from the environment of its process, at its import and later.

        It does not retry by itself: it would do so blindly, and make a run twice. No telemetry.
        """
        settings = {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "MLFLOW_LOGGING_LEVEL": "WARNING",
        }
        if self.username is not None and self.password is not None:
            settings["MLFLOW_TRACKING_USERNAME"] = self.username
            settings["MLFLOW_TRACKING_PASSWORD"] = self.password
        return settings
