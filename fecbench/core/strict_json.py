"""JSON read strictly: what Python's reader would take silently, or fail at in its own way, is a ValueError."""

from __future__ import annotations

import json
from collections import Counter
from math import isfinite
from typing import Any, NoReturn


def loads(text: str, numbers: bool = True) -> Any:
    """The value that ``text`` holds; with ``numbers`` every number must be one, as JSON has it.

    Raises:
        ValueError: it is no JSON, is nested too deeply, names a key twice or (with ``numbers``) holds NaN or an infinity.

    >>> loads('{"lr": 1, "lr": 2}')
    Traceback (most recent call last):
    ...
    ValueError: every key must be named once, but 'lr' stands there twice
    """
    try:
        constant, real = (_refuse, _finite) if numbers else (None, None)
        return json.loads(text, object_pairs_hook=_object, parse_constant=constant, parse_float=real)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; the standard reader takes the last of two values of one key."""
    found = dict(pairs)
    if len(found) < len(pairs):
        (key, _), *_ = Counter(key for key, _ in pairs).most_common()
        raise ValueError(f"every key must be named once, but {key!r} stands there twice")
    return found


def _finite(digits: str) -> float:
    """The number; one that is too great would be read as infinite."""
    number = float(digits)
    return number if isfinite(number) else _refuse(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"every number must be finite, but {constant} stands there")
