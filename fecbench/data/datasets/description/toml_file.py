"""Read and check ``dataset.toml``: a mistake is reported with its line, key, value and reason, in the terms of TOML."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fecbench.core.errors import DataError, DataNotFound, UnknownName
from fecbench.core.settings import MAX_SHOWN, Config
from fecbench.core.text import lower_first
from fecbench.data.datasets.description.schema import (
    ColumnNames,
    Description,
    FileFormat,
    LabelDescription,
    SplitFiles,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


FILE = "dataset.toml"
TABLES: dict[str, type[Config]] = {
    "files": SplitFiles,
    "format": FileFormat,
    "columns": ColumnNames,
    "labels": LabelDescription,
}
NEEDED = {  # what a key needs, by pydantic's type of error
    "string_type": "a string",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "string_too_short": "a string that isn't empty",
    "string_too_long": "a string of {max_length} character",
    "too_short": "a list of at least {min_length}",
    "literal_error": "one of {expected}",
    "greater_than_equal": "at least {ge}",
}
TYPE_ERRORS = ("string_type", "int_type", "bool_type", "list_type", "dict_type", "model_type")
MOST = 3  # mistakes that one message lists

Place = tuple[Any, ...]


def from_toml(path: Path) -> Description:
    """Read the description in the TOML file at ``path``.

    Raises:
        DataNotFound: there is no such file.
        DataError: it can't be read, is not TOML, or has a wrong key or value; the message names the lines.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(_syntax_error(path, str(error))) from None
    except RecursionError:
        raise DataError(f"{path} must be TOML of a few tables, but they are nested too deeply; correct it") from None
    try:
        # Strict, because TOML has types: without it pydantic would take the text "1" for a number.
        return Description.model_validate(content, strict=True)
    except ValidationError as error:
        lines = text.splitlines()
        found = sorted((_line(lines, place), reason) for place, reason in _mistakes(error, content))
        told = [f"{path}, line {line}: {reason}" if line else f"{path}: {reason}" for line, reason in found[:MOST]]
        more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
        raise DataError("; ".join(told) + more) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataNotFound(f"{path} doesn't exist; correct the path") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be UTF-8 ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}; check the file and its permissions") from None


def _syntax_error(path: Path, reason: str) -> str:
    """Return tomllib's reason with the line before it."""
    found = re.fullmatch(r"(?P<what>.*) \(at (line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", reason)
    if not found:
        return f"{path} must be TOML: {lower_first(reason)}; correct it"
    where = f", line {found['line']}" if found["line"] else ", at its end"
    column = f" in column {found['column']}" if found["column"] else ""
    return f"{path}{where}: the file must be TOML, but has an error{column}: {lower_first(found['what'])}; correct it"


def _mistakes(error: ValidationError, content: Mapping[str, Any]) -> list[tuple[Place, str]]:
    """Return the place and the reason of each mistake; a value that fits no member of a union is one mistake."""
    by_place: dict[Place, list[Any]] = {}
    for part in error.errors(include_url=False):
        by_place.setdefault(_place(part["loc"], content), []).append(part)
    # pydantic reports a list with a wrong item for each member of a union: the item is the mistake
    return [
        (place, _reason(place, parts))
        for place, parts in by_place.items()
        if not any(other[: len(place)] == place != other for other in by_place if place)
    ]


def _place(location: Sequence[Any], content: Any) -> Place:
    """Return the keys and indices of ``location`` without the names of types that pydantic adds for unions."""
    steps: list[Any] = []
    for step in location:
        is_key = isinstance(content, dict) and step in content
        if is_key or (isinstance(content, list) and isinstance(step, int) and step < len(content)):
            content = content[step]
            steps.append(step)
    return tuple(steps)


def _reason(place: Place, parts: Sequence[Any]) -> str:
    if parts[0]["type"] == "extra_forbidden":
        return _unknown_key(place)
    key = ".".join(str(step) if isinstance(step, str) else f"[{step + 1}]" for step in place).replace(".[", "[")
    if parts[0]["type"] not in NEEDED:  # a check of several keys together
        reason = lower_first(parts[0]["msg"].removeprefix("Value error, "))
        if isinstance(parts[0]["input"], dict):
            return f"[{key}] {reason}" if key else reason
        return f"{key} is {_shown(parts[0]['input'])}, but {reason}; correct it"
    # the members of a union whose type the value has not are no reasons if another member has its type
    of_type = [part for part in parts if part["type"] not in TYPE_ERRORS] or parts
    needed = dict.fromkeys(NEEDED[part["type"]].format(**part.get("ctx", {})) for part in of_type)
    return f"{key} must be {' or '.join(needed)}, but is {_shown(parts[0]['input'])}; correct it"


def _unknown_key(place: Place) -> str:
    *above, key = place
    table: type[Config] = Description
    for step in above:
        table = table.model_fields[step].annotation  # type: ignore[assignment]  # only tables have keys in them
    where = f"of [{'.'.join(above)}]" if above else "of a description"
    message = str(UnknownName("key", str(key), table.model_fields, where=where))
    homes = [f"[{name}]" for name, other in TABLES.items() if key in other.model_fields and other is not table]
    if key in Description.model_fields:
        homes = ["the top of the file, above the tables"]
    return f"{message}. {key} is a key of {' and of '.join(homes)}: move it there" if homes else message


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _line(lines: Iterable[str], place: Place) -> int:
    """Return the number of the line of a key, or of that of its table; 0 if it can't be found."""
    table: Place = ()
    found, depth = 0, 0
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*\[+(?P<name>[^\[\]=]+)\]+\s*(#.*)?$", line)
        key = re.match(r"\s*(?P<name>[^=#\[\]{}]+?)\s*=", line)
        if header:
            table = _steps(header["name"])
        here = table + _steps(key["name"]) if key and not header else table
        if len(here) > depth and place[: len(here)] == here:
            found, depth = number, len(here)
    return found


def _steps(name: str) -> Place:
    """Split a key of TOML, such as ``labels.map``, into its parts."""
    return tuple(part.strip().strip("\"'") for part in name.split("."))
