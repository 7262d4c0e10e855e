"""Which dataset versions may be trained on: ``fit(found, wanted)``."""

from training.domain.datasets.version import DatasetVersion, Purpose
from training.domain.trainers.order import DatasetReference


class DatasetUnfit(ValueError):
    """Nothing can be trained on the version; `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def fit(found: DatasetVersion | None, wanted: DatasetReference) -> DatasetVersion:
    """The version that was wanted, if it may be trained on; DatasetUnfit."""
    said = f"{wanted.name} {wanted.version}"
    if found is None:
        raise DatasetUnfit("dataset-unknown", f"There is no dataset version {said}.")
    if found.deleted is not None:
        raise DatasetUnfit("dataset-gone", f"The dataset version {said} was deleted.")
    if found.purpose is Purpose.EVALUATION:
        raise DatasetUnfit(
            "dataset-for-evaluation",
            f"The dataset version {said} is for evaluation: a model that was trained on it could"
            " not be measured by it.",
        )
    return found
