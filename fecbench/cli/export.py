"""``fecbench export RUN FOLDER``: a trained model as a folder that needs no fecbench."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fecbench.cli.terminal.echo import echo
from fecbench.cli.terminal.interrupt import Stop
from fecbench.cli.terminal.output import print_json
from fecbench.core.errors import FecbenchError
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.runs.record import ROOT

if TYPE_CHECKING:
    from fecbench.results.export.export import Format


@click.command()
@click.argument("run")
@click.argument("folder", type=PATH)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["hf", "onnx"]),
    default="hf",
    show_default=True,
    help="hf: a Hugging Face folder, for runs with --head native; onnx: a graph, for any run (needs fecbench[onnx])",
)
@click.option(
    "--eval-dataset",
    metavar="OWNER/NAME",
    help="data set of the hub whose test rows these are: evaluation entries are written for it "
    "(default: the run's, if that is hf:OWNER/NAME with a test split)",
)
@click.option("--root", type=PATH, default=ROOT, show_default=True, help="where runs are looked for")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def export(run: str, folder: Path, kind: Format, eval_dataset: str | None, root: Path, as_json: bool) -> None:
    """A trained model as a Hugging Face folder or as ONNX, with tokenizer, label names and a model card.

    RUN is a run's id, its folder, or a method's name (then its newest complete run). FOLDER must be new or empty; it appears once what was
    written has been read back and predicts as the run does.
    """
    record = find_run(run, root)
    from fecbench.results.export.export import export as write

    signal.signal(signal.SIGTERM, Stop().ask)  # as Ctrl-C: the draft is removed
    try:
        written = write(record, folder, kind, eval_dataset)
    except KeyboardInterrupt:
        raise FecbenchError("stopped; nothing was left behind") from None
    if as_json:
        check = {
            "texts": len(written.check.lengths),
            "tokens": written.check.lengths,
            "difference": written.check.difference,
        }
        about = {"run": record.id, "folder": str(folder), "format": kind, "files": written.files}
        print_json({**about, "check": check, "note": written.note})
        return
    echo(f"written: {folder} ({', '.join(written.files)})")
    echo(f"checked: {written.check}")
    if written.note:
        echo(f"note: {written.note}")
