"""What an import is asked for: in the query of a request, or in its JSON body."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from litestar.params import QueryParameter

from training.api import problem_kinds as kinds
from training.api.bodies import misfit
from training.api.moments import Moment
from training.api.problems import FieldError, ProblemError
from training.domain.datasets.columns import ColumnsInvalid, parse_mapping
from training.domain.datasets.feedback import MAX_PREDICTIONS
from training.domain.datasets.files import MEDIA_TYPES, FileFormat, format_of_name
from training.domain.datasets.limits import MAX_LABEL_WORD, MAX_NAME_LENGTH
from training.domain.datasets.names import PATTERN, is_dataset_name
from training.domain.datasets.version import ImportRequest, Parent, Purpose

UNSTATED = "unstated"
MAX_LICENCE_LENGTH = 128
MAX_PARENTS = 32
_NAME_RULE = "must be lower-case letters, digits and single - or _ between"
_PRINTABLE = "^[^\\u0000-\\u001f\\u007f]*$(?!\\n)"
"""In Python `$` matches before a newline at the end as well."""

FormatName = Literal["jsonl", "csv", "parquet"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_LENGTH, pattern=PATTERN)]
SourceWord = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_LABEL_WORD, pattern=_PRINTABLE)
]
Licence = Annotated[
    str, msgspec.Meta(min_length=1, max_length=MAX_LICENCE_LENGTH, pattern=_PRINTABLE)
]


class ParentVersion(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A version that the new one was made from."""

    name: str
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class Wanted(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How to import rows, and what to say of them.

    `source` is that of rows which name none; unless it is given, the dataset's name. `columns`
    maps columns of the file, as in `prompt:text,is_jailbreak:label,notes:`, where `notes` is
    ignored. Data for `evaluation` are not held against the protected suites.
    """

    name: Name
    source: SourceWord | None = None
    licence: Licence = UNSTATED
    columns: Annotated[str, msgspec.Meta(max_length=4_096)] = ""
    purpose: Literal["training", "evaluation"] = "training"
    near_duplicates: Literal["keep", "drop"] = "keep"
    parents: Annotated[list[ParentVersion], msgspec.Meta(max_length=MAX_PARENTS)] = []

    def to_request(self, file_format: FileFormat) -> ImportRequest:
        """What is meant; ProblemError."""
        if not is_dataset_name(self.name):
            raise invalid("name", _NAME_RULE)
        try:
            parse_mapping(self.columns)
        except ColumnsInvalid as error:
            raise invalid("columns", str(error)) from None
        return ImportRequest(
            name=self.name,
            format=file_format,
            source=self.source or self.name,
            licence=self.licence,
            columns=self.columns,
            purpose=Purpose(self.purpose),
            drop_near_duplicates=self.near_duplicates == "drop",
            parents=tuple(Parent(each.name, each.version) for each in self.parents),
        )


class UrlImport(Wanted, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Rows from an object of the platform's own store; its name may tell its format."""

    url: Annotated[
        str, msgspec.Meta(max_length=1_100, pattern="^s3://[a-z0-9][a-z0-9.-]{1,62}/[^\\u0000]+$")
    ]
    format: FormatName | None = None

    def file_format(self) -> FileFormat:
        """The format of the object; ProblemError."""
        found = FileFormat(self.format) if self.format else format_of_name(self.url)
        if found is None:
            raise invalid("format", "must be given where the object's name does not tell it")
        return found


class FeedbackImport(Wanted, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Rows from what people said of the guard's predictions since a moment, of `predictions` at
    most. The texts leave the guard's care: forgetting a person there does not remove them from a
    dataset."""

    since: Moment
    predictions: Annotated[int, msgspec.Meta(ge=1, le=MAX_PREDICTIONS)] = 10_000


DatasetName = Annotated[
    str | None,
    QueryParameter(name="name", max_length=MAX_NAME_LENGTH, description="The dataset's name."),
]
Format = Annotated[
    FormatName | None,
    QueryParameter(name="format", description="Otherwise the `Content-Type` tells it."),
]
Source = Annotated[
    str | None,
    QueryParameter(max_length=MAX_LABEL_WORD, description="That of rows which name none."),
]
LicenceOfRows = Annotated[
    str | None, QueryParameter(name="licence", max_length=MAX_LICENCE_LENGTH, description="Theirs.")
]
Columns = Annotated[
    str | None,
    QueryParameter(
        max_length=4_096, description="`column:field` pairs, such as `prompt:text,notes:`."
    ),
]
PurposeOfRows = Annotated[
    Literal["training", "evaluation"] | None,
    QueryParameter(name="purpose", description="Training data must not be in protected suites."),
]
NearDuplicates = Annotated[
    Literal["keep", "drop"] | None, QueryParameter(description="All but the first are dropped.")
]
Parents = Annotated[
    str | None,
    QueryParameter(max_length=4_096, description="`name:version` pairs with commas between."),
]


def from_query(content_type: str | None, given: Mapping[str, str | None]) -> ImportRequest:
    """The request that the query stands for; `given` has a key for each parameter. ProblemError."""
    file_format = _format(content_type, given.get("format"))
    fields: dict[str, object] = {
        key: value for key, value in given.items() if value is not None and key != "format"
    }
    fields["parents"] = _parents(given.get("parents") or "")
    try:
        wanted = msgspec.convert(fields, Wanted)
    except msgspec.ValidationError as error:
        (wrong,) = misfit(str(error), Wanted).errors
        if not wrong.pointer:
            # It is the only one that must be given.
            raise invalid("name", "is needed") from None
        field = wrong.pointer.split("/")[1]
        said = _NAME_RULE if field == "name" else f"is malformed ({wrong.message})"
        raise invalid(field, said) from None
    return wanted.to_request(file_format)


def _format(content_type: str | None, name: str | None) -> FileFormat:
    if name is not None:
        return FileFormat(name)
    essence = (content_type or "").partition(";")[0].strip().lower()
    found = MEDIA_TYPES.get(essence)
    if found is None:
        raise ProblemError(
            kinds.UNSUPPORTED_MEDIA_TYPE,
            f"The Content-Type must be one of {', '.join(MEDIA_TYPES)}, or `format` be given.",
        )
    return found


def _parents(written: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for pair in written.split(",") if written else ():
        name, _, version = pair.strip().rpartition(":")
        if not name or not version.isascii() or not version.isdigit() or len(version) > 9:
            raise invalid("parents", "must be name:version pairs with commas between them")
        found.append({"name": name, "version": int(version)})
    return found


def invalid(field: str, message: str) -> ProblemError:
    """A value that cannot be meant."""
    return ProblemError(
        kinds.VALIDATION_FAILED,
        f"The import cannot be as asked for: {field} {message}.",
        errors=[FieldError(pointer=f"/{field}", message=message)],
    )
