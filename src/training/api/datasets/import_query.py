"""What the query of a request says of an import, for the routes whose body is the file itself."""

from litestar.di import Provide

from training.api.datasets.parameters import (
    Columns,
    DatasetName,
    Format,
    LicenceOfRows,
    NearDuplicates,
    Parents,
    PurposeOfRows,
    Source,
)

type Given = dict[str, str | None]
"""The value of each parameter; None where it is left out."""


def _given(
    dataset_name: DatasetName = None,
    file_format: Format = None,
    source: Source = None,
    licence_of_rows: LicenceOfRows = None,
    columns: Columns = None,
    purpose_of_rows: PurposeOfRows = None,
    near_duplicates: NearDuplicates = None,
    parents: Parents = None,
) -> Given:
    return {
        "name": dataset_name,
        "format": file_format,
        "source": source,
        "licence": licence_of_rows,
        "columns": columns,
        "purpose": purpose_of_rows,
        "near_duplicates": near_duplicates,
        "parents": parents,
    }


IMPORT_QUERY = {"given": Provide(_given, sync_to_thread=False)}
"""The `dependencies` of a route that takes them as `given`."""
