"""What a body may say instead: the fields of an object, the values of an enumeration."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import inspect

MAX_NAME = 64
_UNKNOWN_FIELD = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)
# It quotes what may be anything the caller sent.
_QUOTED_VALUE = re.compile(r"^Invalid (enum value|value) .*", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")


def worded(said: str, of: Any, path: str) -> str:
    """msgspec's complaint about the value at `path` of a body that should be an `of`, with what
    there might have been instead, and without what there was."""
    unknown = _UNKNOWN_FIELD.match(said)
    if unknown:
        known = ", ".join(_fields(of, path))
        return f"Unknown field `{unknown['name'][:MAX_NAME]}`" + (
            f"; known are {known}" if known else ""
        )
    if _QUOTED_VALUE.match(said):
        allowed = ", ".join(_values(of, path))
        return "Not one of the values allowed" + (f": {allowed}" if allowed else "")
    return said


def _fields(of: Any, path: str) -> list[str]:
    found = [kind for kind in _at(of, path) if isinstance(kind, inspect.StructType)]
    # Of several kinds of object it is not known which was meant.
    return [field.encode_name for field in found[0].fields] if len(found) == 1 else []


def _values(of: Any, path: str) -> list[str]:
    values: list[object] = []
    for kind in _at(of, path):
        if isinstance(kind, inspect.LiteralType):
            values += kind.values
        elif isinstance(kind, inspect.EnumType):
            values += (member.value for member in kind.cls)
    return [str(value) for value in values] or _tags(of, path)


def _tags(of: Any, path: str) -> list[str]:
    """Of a union of objects that are told apart by a field: its values."""
    owner, _, field = path.rpartition(".")
    kinds = [kind for kind in _at(of, owner) if isinstance(kind, inspect.StructType)]
    return [str(kind.tag) for kind in kinds if kind.tag_field == field]


def _at(of: Any, path: str) -> list[inspect.Type]:
    """The types that a value at the path may have."""
    kinds = list(_members(inspect.type_info(of)))
    for step in _STEP.finditer(path):
        kinds = [inner for kind in kinds for inner in _inside(kind, step["name"])]
    return kinds


def _inside(kind: inspect.Type, name: str | None) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            if field.encode_name == name:
                yield from _members(field.type)
    elif isinstance(kind, inspect.ListType) and name is None:
        yield from _members(kind.item_type)
    elif isinstance(kind, inspect.DictType) and name is None:
        yield from _members(kind.value_type)


def _members(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _members(member)
    elif isinstance(kind, inspect.Metadata):
        yield from _members(kind.type)
    else:
        yield kind
