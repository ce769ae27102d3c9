"""``fecbench predict RUN TEXT ...``: predict labels for texts with a finished run."""

from __future__ import annotations

import sys
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import DEVICE, JSON, ROOT
from fecbench.core.errors import UsageError
from fecbench.runs.find import find_run
from fecbench.terminal.echo import echo_fields
from fecbench.terminal.fast_import import fast_import
from fecbench.terminal.output import print_json
from fecbench.terminal.slow_progress import slow_progress
from fecbench.terminal.status_line import status_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.core.progress import Advance
    from fecbench.runs.label_decision import LabelDecision
    from fecbench.runs.predictor import Predictor

    Label = dict[str, Any]  # name, probability, and perhaps threshold and whether it is given


@click.command()
@click.argument("run")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--top", type=click.IntRange(min=1), default=3, show_default=True, help="number of labels to print for each text"
)
@ROOT
@DEVICE
@JSON
def predict(run: str, texts: Sequence[str], top: int, root: Path, device: str, as_json: bool) -> None:
    """Predict labels for texts with a finished run.

    Prints the most probable labels of each TEXT with their probabilities. If a text can have several labels, it prints
    those whose probability reaches their threshold, then the next ones in brackets; --json prints all labels then, each
    with its threshold and whether it is given.

    RUN is a run id, a run folder or a method (its newest complete run). Without TEXT, texts are read from standard
    input, one a line; every input line gives one output line, which is "no text" for a blank line.

    \b
    Examples:
      fecbench predict ce "what a lovely day" "my dog died"
      fecbench predict runs/RUN-ID --top 1 < texts.txt
    """
    record = find_run(run, root)
    lines = texts or _lines()
    # Python turns bytes of an argument that aren't UTF-8 into lone surrogates, which no tokenizer reads.
    if any("\ud800" <= character <= "\udfff" for text in lines for character in text):
        raise UsageError("texts must be UTF-8, but one is not; convert it")
    with fast_import():
        import transformers.modeling_utils  # noqa: F401  the encoder imports it anyway

        from fecbench.runs.predictor import Predictor

    with status_line() as report:
        report(f"loading {record.id}")
        predictor = Predictor.load(record, device)
    # Blank lines of standard input are skipped, but a blank argument was typed on purpose: predict it.
    predicted = [bool(texts or text.strip()) for text in lines]
    asked = list(compress(lines, predicted))
    with slow_progress("predicting", len(asked)) as advance:
        if predictor.decision is None:
            answers = iter(_answers(predictor, asked, top, advance))
        else:
            answers = iter(_label_sets(predictor, predictor.decision, asked, None if as_json else top, advance))
    rows: list[dict[str, Any]] = [
        {"text": text, "labels": next(answers) if has_answer else []}
        for text, has_answer in zip(lines, predicted, strict=True)
    ]
    if as_json:
        print_json({"run": record.id, "predictions": rows})
        return
    for row in rows:
        echo_fields(_fields(**row))


def _answers(predictor: Predictor, texts: Sequence[str], top: int, advance: Advance) -> list[list[Label]]:
    """Return the ``top`` labels of each text with their probabilities; no labels if the method gives no answer."""
    best = predictor.probabilities(texts, advance).topk(min(top, len(predictor.labels)))
    return [
        [
            {"label": predictor.labels[i], "probability": round(p, 6)}
            for p, i in zip(scores, indices, strict=True)
            if scores[0] > 0
        ]
        for scores, indices in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _label_sets(
    predictor: Predictor, decision: LabelDecision, texts: Sequence[str], top: int | None, advance: Advance
) -> list[list[Label]]:
    """Return the labels of each text: those given, then the others, both by descending probability.

    ``top`` is the least number of labels of a text; None returns all. A text without an answer has none.
    """
    probabilities = predictor.probabilities(texts, advance)
    rows = zip(probabilities.tolist(), decision.given(probabilities).tolist(), strict=True)
    answers = []
    for row, given in rows:
        labels = _labels(predictor.labels, row, decision.thresholds, given)
        shown = len(labels) if top is None else max(top, sum(given))
        answers.append(labels[:shown] if any(row) else [])
    return answers


def _labels(
    names: Sequence[str], probabilities: Sequence[float], thresholds: Sequence[float], given: Sequence[bool]
) -> list[Label]:
    """Return all labels of one text with probability and threshold: those given first."""
    labels: list[Label] = [
        {"label": name, "probability": round(probability, 6), "threshold": round(threshold, 6), "given": is_given}
        for name, probability, threshold, is_given in zip(names, probabilities, thresholds, given, strict=True)
    ]
    return sorted(labels, key=lambda label: (not label["given"], -label["probability"]))


def _fields(text: str, labels: Sequence[Label]) -> list[str]:
    """Return the cells of an output line: labels with probabilities, then the text."""
    if not labels:
        return ["no answer" if text.strip() else "no text", text]
    return [*map(_cell, labels), text]


def _cell(label: Label) -> str:
    """Return a label with its probability, in brackets if it isn't given."""
    words = f"{label['label']} {label['probability']:.3f}"
    return words if label.get("given", True) else f"({words})"


def _lines() -> list[str]:
    """Return the lines of standard input.

    Raises:
        UsageError: standard input is a terminal, is not UTF-8 or holds no text.
    """
    if sys.stdin is None or sys.stdin.isatty():  # None: the caller closed it
        raise UsageError("a text is needed, but none was given; give it as an argument or on standard input")
    try:
        lines = [line.rstrip("\r\n") for line in sys.stdin]
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input must be UTF-8, but {error}; convert it") from error
    if not any(map(str.strip, lines)):
        raise UsageError("a text is needed, but standard input holds none; give one a line")
    return lines
