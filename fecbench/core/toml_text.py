"""Write TOML, which the standard library only reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

LONG = 100  # characters of a list that stands on one line


def to_toml(content: Mapping[str, Any], above: tuple[str, ...] = ()) -> str:
    """Return ``content`` as TOML: strings, numbers, booleans, lists of them, and tables of all these.

    >>> print(to_toml({"title": "A \\"b\\"", "files": {"train": "train.csv"}}), end="")
    title = "A \\"b\\""
    <BLANKLINE>
    [files]
    train = "train.csv"
    """
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in content.items() if not _is_table(value))
    for key, table in content.items():
        if _is_table(table):
            path = (*above, key)
            head = f"[{'.'.join(map(_key, path))}]\n"
            text += ("\n" if text else "") + head + to_toml(table, path)
    return text


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        items = list(map(_value, value))
        line = f"[{', '.join(items)}]"
        return line if len(line) <= LONG else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    # JSON's strings, numbers and booleans are TOML's, except for this one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
