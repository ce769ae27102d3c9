"""Count the imports between the wings and write them into docs/architecture.md: `python docs/make_imports.py`."""

import ast
import re
from collections import Counter
from pathlib import Path

PAGE = Path(__file__).with_name("architecture.md")
PACKAGE = Path(__file__).parents[1] / "fecbench"
WINGS = (
    *("core", "data", "model", "objective", "training", "runs", "bench", "results"),
    *("terminal", "api", "sklearn", "testing", "cli"),
)


def imports() -> Counter[tuple[str, str]]:
    """Return how many times a file of one wing imports a module of another, lazy and type-only imports included."""
    counts: Counter[tuple[str, str]] = Counter()
    for wing in WINGS:
        for path in (PACKAGE / wing).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
            wings = [module.split(".")[1] for module in modules if module.startswith("fecbench.")]
            counts.update((wing, other) for other in wings if other != wing)
    return counts


def table() -> str:
    """Return the Markdown table: importing wings as rows, imported ones as columns."""
    counts = imports()
    lines = [f"| imports | {' | '.join(WINGS[:-1])} |", "| --- |" + " ---: |" * len(WINGS[:-1])]
    for wing in WINGS:
        cells = (str(counts[wing, other] or "") for other in WINGS[:-1])
        lines.append(f"| **{wing}** | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- imports -->\n", "\n<!-- end of imports -->"
    # A function, because re.sub would take a backslash in a text for an escape.
    PAGE.write_text(re.sub(f"(?s){begin}.*?{end}", lambda _: begin + table() + end, page), encoding="utf-8")
