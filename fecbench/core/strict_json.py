"""Read JSON strictly: raise ValueError where Python's reader is lenient or fails with another exception."""

from __future__ import annotations

import json
from collections import Counter
from math import isfinite
from typing import Any, NoReturn


def loads(text: str, numbers: bool = True) -> Any:
    """Return the value that the JSON ``text`` holds.

    Args:
        text: a JSON document.
        numbers: refuse NaN and infinities, which JSON does not have, and numbers too large for a float.

    Raises:
        ValueError: ``text`` is not JSON, is nested too deeply, repeats a key of an object or holds a refused
            number.

    >>> loads('{"lr": 1, "lr": 2}')
    Traceback (most recent call last):
    ...
    ValueError: every key must be named once, but 'lr' appears twice
    """
    constant, real = (_refuse, _finite) if numbers else (None, None)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=constant, parse_float=real)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):  # the standard reader would keep the last value of a repeated key
        (key, _), *_ = Counter(key for key, _ in pairs).most_common()
        raise ValueError(f"every key must be named once, but {key!r} appears twice")
    return content


def _finite(digits: str) -> float:
    number = float(digits)  # inf if the number is too large
    return number if isfinite(number) else _refuse(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"every number must be finite, but {constant} was found")
