"""Waiting for MLflow while it is away: bounded, with growing pauses, and for idempotent calls."""

from collections.abc import Callable
from http import HTTPStatus
from time import monotonic, sleep

from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS, MlflowException
from requests.exceptions import RequestException

from training.domain.tracking.facts import TrackingAway, TrackingRefused

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 4.0
_CANCEL_LOOK_S = 0.5


class Patience:
    """Asks again for as long as MLflow is away, at most `seconds` a call."""

    def __init__(self, url: str, seconds: float, check_cancelled: Callable[[], None]) -> None:
        self._url = url
        self._seconds = seconds
        self._check_cancelled = check_cancelled

    def ask[Answer](self, call: Callable[[], Answer]) -> Answer:
        """What the call answers, which must do no harm twice. TrackingAway, TrackingRefused."""
        deadline = monotonic() + self._seconds
        pause = _FIRST_PAUSE_S
        while True:
            self._check_cancelled()
            try:
                return call()
            except (MlflowException, RequestException) as error:
                if not _is_away(error):
                    raise TrackingRefused(f"MLflow refused: {error}") from error
                if monotonic() + pause > deadline:
                    raise TrackingAway(
                        f"MLflow at {self._url} did not answer for {self._seconds:.0f} s"
                    ) from error
            self._wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _wait(self, seconds: float) -> None:
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            sleep(min(left, _CANCEL_LOOK_S))
            self._check_cancelled()


def _is_away(error: Exception) -> bool:
    match error:
        case MlflowException():
            # Where it could not be reached at all, this is that of an internal error.
            status = ERROR_CODE_TO_HTTP_STATUS.get(error.error_code, 500)
        case RequestException() if error.response is not None:
            status = error.response.status_code
        case _:
            return True
    return bool(
        status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    )
