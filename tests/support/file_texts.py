"""The same rows of three labels as CSV, JSON lines and Parquet, and folders of such files."""

import io
import json
import os
from pathlib import Path

LABELS = ("glad", "mad", "sad")
ROWS = [(f"a text of {label} {number}", label) for number in range(8) for label in LABELS]
HEADER = "text,label\n"
CSV = HEADER + "".join(f"{text},{label}\n" for text, label in ROWS)
LINES = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)


def parquet(**columns) -> bytes:
    """A Parquet file of these columns."""
    import pyarrow
    from pyarrow import parquet as format_

    file = io.BytesIO()
    format_.write_table(pyarrow.table(columns), file)
    return file.getvalue()


TEXTS, NAMES = [text for text, _ in ROWS], [label for _, label in ROWS]
PARQUET = parquet(text=TEXTS, label=NAMES)


def lay(folder: Path, files: dict[str, str | bytes | Path | None]) -> Path:
    """Files, folders (``name/``), pipes (``name|``) and links (a path) in a folder."""
    folder.mkdir()
    for name, content in files.items():
        path = folder / name.rstrip("/|")
        if isinstance(content, Path):
            path.symlink_to(content)
        elif content is None:
            path.mkdir() if name.endswith("/") else os.mkfifo(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
