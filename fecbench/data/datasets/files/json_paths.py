"""Find rows within a JSON document by a JMESPath expression, and suggest an expression for them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath

from fecbench.core.errors import DataError
from fecbench.core.text import shortened
from fecbench.data.datasets.description.wanted_columns import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.data.datasets.description.schema import Column


PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_DEPTH = 10  # of a document in which rows are sought


def select(expression: str, content: object, where: str) -> Any:
    """Return the part of ``content`` that ``expression`` selects; ``where`` is its position, for messages.

    Raises:
        DataError: the expression is not JMESPath, doesn't fit the content, or finds nothing.
    """
    try:
        found = _compiled(expression).search(content)
    # TypeError and AttributeError: functions of JMESPath don't check the elements of arrays.
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).splitlines()[0].rstrip(":")
        raise DataError(
            f"{where}: after # a JMESPath expression is needed, such as train or items[].turns[] ({reason}); correct it"
        ) from error
    if found is None:
        raise DataError(f"{where}: the expression {expression} finds nothing{_choice(content)}; correct it")
    return found


@lru_cache(maxsize=8)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def _choice(content: object) -> str:
    """Return a clause that names the keys an expression could choose."""
    if isinstance(content, dict):
        return f" among the keys {shortened(list(content), 10)}"
    return " in an array, where [].key chooses a key of each element" if isinstance(content, list) else ""


def path_to_rows(
    content: object, texts: Sequence[Column], depth: int = MAX_DEPTH, projected: bool = False
) -> str | None:
    """Return an expression for the rows that have the columns ``texts``, or None if there are none.

    Args:
        content: a document, or a part of it.
        texts: the columns of the text.
        depth: how deep rows are sought.
        projected: the part lies in an array, so the expression must flatten the arrays of rows.

    >>> path_to_rows({"name": "x", "scenes": [{"turns": [{"said": "Hi"}]}]}, ["said"])
    'scenes[].turns[]'
    """
    if isinstance(content, list) and content:
        if _has_texts(content[0], texts):
            return "[]" if projected else ""
        return _joined("[]", path_to_rows(content[0], texts, depth - 1, projected=True) if depth else None)
    if not isinstance(content, dict):
        return None
    if _has_texts(next(iter(content.values()), None), texts):  # rows by their ids
        return "*"
    for key, part in content.items():
        path = path_to_rows(part, texts, depth - 1, projected) if depth else None
        if path is not None:
            return _joined(key_of(key), path)
    return None


def _joined(begin: str, path: str | None) -> str | None:
    if path is None:
        return None
    return f"{begin}.{path}" if path and not path.startswith("[") else begin + path


def _has_texts(row: object, texts: Sequence[Column]) -> bool:
    """Return True if a value is a row: an object with texts by name, or an array with texts by number."""
    if isinstance(row, list):
        numbers = [number_of(text) or 0 for text in texts]
        return all(0 < number <= len(row) and isinstance(row[number - 1], str) for number in numbers)
    return isinstance(row, dict) and all(isinstance(row.get(str(text)), str) for text in texts)


def key_of(key: str) -> str:
    """Return a key as JMESPath writes it.

    >>> key_of("train"), key_of("dev-clean")
    ('train', '"dev-clean"')
    """
    return key if PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
