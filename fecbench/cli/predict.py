"""``fecbench predict RUN TEXT ...``: labels for texts from a finished run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.terminal.echo import echo_fields
from fecbench.cli.terminal.output import print_json
from fecbench.core.errors import UsageError
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.runs.predictor import Predictor


@click.command()
@click.argument("run")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="labels to print for each text")
@click.option("--root", type=PATH, default=ROOT, show_default=True, help="where runs are looked for")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda ...")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def predict(run: str, texts: Sequence[str], top: int, root: Path, device: str, as_json: bool) -> None:
    """The likeliest labels of each TEXT, with probabilities.

    RUN is a run's id, its folder, or a method's name (then its newest complete run). Without TEXT, lines are read from standard input; each
    gives one line, a blank one too, which says "no text".
    """
    record = find_run(run, root)
    lines = texts or _lines()
    if any("\ud800" <= character <= "\udfff" for text in lines for character in text):
        raise UsageError("texts must be UTF-8; convert them")
    from fecbench.runs.predictor import Predictor

    predictor = Predictor.load(record, device)
    asked = [
        text for text in lines if texts or text.strip()
    ]  # what is given as an argument is meant, also where it is blank
    answers = iter(_answers(predictor, asked, top))
    rows: list[dict[str, Any]] = [
        {"text": text, "labels": next(answers) if texts or text.strip() else []} for text in lines
    ]
    if as_json:
        print_json({"run": record.id, "predictions": rows})
        return
    for row in rows:
        echo_fields(_fields(**row))


def _answers(predictor: Predictor, texts: Sequence[str], top: int) -> list[list[dict[str, Any]]]:
    """The ``top`` labels of each text with their probabilities; none where the method gives no answer."""
    best = predictor.probabilities(texts).topk(min(top, len(predictor.labels)))
    return [
        [
            {"label": predictor.labels[i], "probability": round(p, 6)}
            for p, i in zip(scores, indices, strict=True)
            if scores[0] > 0
        ]
        for scores, indices in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _fields(text: str, labels: Sequence[Mapping[str, Any]]) -> list[str]:
    """Labels with probabilities, then the text."""
    said = [f"{label['label']} {label['probability']:.3f}" for label in labels]
    return [*(said or ["no answer" if text.strip() else "no text"]), text]


def _lines() -> list[str]:
    """The lines of standard input.

    Raises:
        UsageError: none holds a text, or a person sits at the other end.
    """
    if sys.stdin.isatty():
        raise UsageError("a text is needed: give it as an argument, or lines on standard input")
    try:
        lines = [line.rstrip("\r\n") for line in sys.stdin]
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input must be UTF-8: {error}; convert it") from error
    if not any(map(str.strip, lines)):
        raise UsageError("a text is needed, but standard input holds none")
    return lines
