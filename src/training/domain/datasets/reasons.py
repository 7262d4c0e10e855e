"""Why a row is kept out of a dataset."""

from enum import StrEnum


class Reason(StrEnum):
    """A reason, as it stands in the report and in the quarantine."""

    INVALID_UTF8 = "invalid_utf8"
    RECORD_TOO_LONG = "record_too_long"
    INVALID_JSON = "invalid_json"
    INVALID_CSV = "invalid_csv"
    WRONG_FIELD_COUNT = "wrong_field_count"
    UNKNOWN_COLUMN = "unknown_column"
    REPEATED_COLUMN = "repeated_column"
    MISSING_TEXT = "missing_text"
    INVALID_TEXT = "invalid_text"
    EMPTY_TEXT = "empty_text"
    TEXT_TOO_LONG = "text_too_long"
    NUL_CHARACTER = "nul_character"
    LONE_SURROGATE = "lone_surrogate"
    MISSING_LABEL = "missing_label"
    INVALID_LABEL = "invalid_label"
    INVALID_SOURCE = "invalid_source"
    INVALID_CATEGORY = "invalid_category"
    LABEL_CONFLICT = "label_conflict"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near_duplicate"
    LEAKS_EVALUATION = "leaks_evaluation"


EXPLANATIONS: dict[Reason, str] = {
    Reason.INVALID_UTF8: "The record is not UTF-8: save the file as UTF-8.",
    Reason.RECORD_TOO_LONG: "The record is longer than 8 MiB.",
    Reason.INVALID_JSON: "The line is not one JSON object: an array, or an object over several "
    "lines, must be written one object a line.",
    Reason.INVALID_CSV: "The record's quotes are wrong: one within quotes is doubled.",
    Reason.WRONG_FIELD_COUNT: "The record has not as many fields as the header.",
    Reason.UNKNOWN_COLUMN: "The record has a column that is neither known nor mapped: `columns` "
    "maps it, as in `columns=prompt:text`, or ignores it, as in `columns=notes:`.",
    Reason.REPEATED_COLUMN: "The record has a column twice, and says nowhere which of them counts.",
    Reason.MISSING_TEXT: "There is no text.",
    Reason.INVALID_TEXT: "The text is not a string.",
    Reason.EMPTY_TEXT: "The text is empty or white space.",
    Reason.TEXT_TOO_LONG: "The text is longer than 1 MiB.",
    Reason.NUL_CHARACTER: "A value holds the character NUL.",
    Reason.LONE_SURROGATE: "A value holds half of a surrogate pair, which is no character.",
    Reason.MISSING_LABEL: "There is no label.",
    Reason.INVALID_LABEL: "The label is none of 0, 1, benign, attack, false, true.",
    Reason.INVALID_SOURCE: "The source is not a string of at most 64 characters.",
    Reason.INVALID_CATEGORY: "The category is not a string of at most 64 characters.",
    Reason.LABEL_CONFLICT: "The same text occurs with the other label; all such rows are kept out.",
    Reason.DUPLICATE: "The same text occurred before with the same label.",
    Reason.NEAR_DUPLICATE: "Nearly the same text occurred before, and the import drops such rows.",
    Reason.LEAKS_EVALUATION: "The text is in a protected evaluation suite.",
}
"""Texts are the same when they differ in case, white space or compatibility forms alone."""
