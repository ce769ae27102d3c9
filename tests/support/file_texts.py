"""The same rows of three labels as CSV, JSON lines and Parquet."""

import io
import json

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
