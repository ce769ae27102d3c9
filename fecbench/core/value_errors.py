"""Say in plain words what a value must be, where pydantic refuses it."""

from __future__ import annotations

from typing import Any

from fecbench.core.text import lower_first

REQUIREMENTS = {
    "greater_than": "it must be greater than {gt}",
    "greater_than_equal": "it must be at least {ge}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be at most {le}",
    "finite_number": "it must be a finite number",
    "multiple_of": "it must be a multiple of {multiple_of}",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_parsing_size": "it must be a smaller whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "string_type": "it must be text",
    "string_too_short": "it must have at least {min_length} character(s)",
    "string_too_long": "it must have at most {max_length} character(s)",
    "string_pattern_mismatch": "it must match {pattern}",
    "literal_error": "it must be {expected}",
    "list_type": "it must be a list",
    "tuple_type": "it must be a list",
    "dict_type": "it must be a table",
    "model_type": "it must be a table",
    "too_short": "it must hold at least {min_length}",
    "too_long": "it must hold at most {max_length}",
}
"""Requirements of a value, by pydantic's type of error."""


def requirement(fault: Any) -> str:
    """Return what a value must be, as a clause; ``fault`` is one of the details of a ``ValidationError``.

    >>> requirement({"type": "less_than_equal", "ctx": {"le": 100}, "msg": ""})
    'it must be at most 100'
    >>> requirement({"type": "string_too_long", "ctx": {"max_length": 1}, "msg": ""})
    'it must have at most 1 character'
    """
    context = fault.get("ctx", {})
    if fault["type"] in REQUIREMENTS:
        plural = "" if 1 in (context.get("min_length"), context.get("max_length")) else "s"
        return REQUIREMENTS[fault["type"]].replace("(s)", plural).format(**context)
    return lower_first(fault["msg"].removeprefix("Value error, "))
