"""``fecbench predict RUN TEXT ...``: labels for texts from a finished run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench import runs
from fecbench.cli.output import print_json
from fecbench.cli.paths import PATH
from fecbench.cli.saying import say
from fecbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("run")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="labels to print for each text")
@click.option("--root", type=PATH, default=runs.ROOT, show_default=True, help="where runs are looked for")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda ...")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def predict(run: str, texts: Sequence[str], top: int, root: Path, device: str, as_json: bool) -> None:
    """The likeliest labels of each TEXT, with probabilities.

    RUN is a run's id, its folder, or a method's name (then its newest complete run). Without TEXT, lines are read from standard input.
    """
    record = runs.find_run(run, root)
    texts = texts or _lines()
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        raise UsageError("texts must be UTF-8; convert them")
    from fecbench.prediction import Predictor

    predictor = Predictor.load(record, device)
    best = predictor.probabilities(texts).topk(min(top, len(predictor.labels)))
    rows: list[dict[str, Any]] = [
        {"text": text, "labels": [{"label": predictor.labels[i], "probability": round(p, 6)} for p, i in zip(scores, indices, strict=True)]}
        for text, scores, indices in zip(texts, best.values.tolist(), best.indices.tolist(), strict=True)
    ]
    if as_json:
        print_json({"run": record.id, "predictions": rows})
        return
    for row in rows:
        say("\t".join([*(f"{label['label']} {label['probability']:.3f}" for label in row["labels"]), " ".join(row["text"].splitlines())]))


def _lines() -> list[str]:
    """The lines of standard input that hold something.

    Raises:
        UsageError: there are none, or a person sits at the other end.
    """
    if sys.stdin.isatty():
        raise UsageError("a text is needed: give it as an argument, or lines on standard input")
    try:
        lines = [line.rstrip("\r\n") for line in sys.stdin if line.strip()]
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input must be UTF-8: {error}; convert it") from error
    if not lines:
        raise UsageError("a text is needed, but standard input holds none")
    return lines
