"""A user's own rows as files of every format."""

import json
from pathlib import Path

COLUMNS: dict[str, str] = {}  # no flags: the columns are text and label
ROWS = [(f"text {n}, with a comma", label) for n in range(30) for label in ("joy", "fear")]


def columns(text: str, label: str) -> dict[str, str]:
    """Flags that name the columns."""
    return {"text_column": text, "label_column": label}


def write(path: Path, rows=ROWS, names=("text", "label")) -> Path:
    """Rows in the format of the path's ending."""
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.table({name: [row[i] for row in rows] for i, name in enumerate(names)}), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    else:
        mark = {".csv": ",", ".tsv": "\t"}[path.suffix]
        quoted = [mark.join(f'"{cell}"' if mark in str(cell) else str(cell) for cell in row) for row in [names, *rows]]
        path.write_text("\n".join(quoted) + "\n")
    return path
