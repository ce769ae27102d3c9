"""``fecbench export RUN FOLDER``: write a trained model as a folder that needs no fecbench."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fecbench.cli.common_options import JSON, ROOT
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.options import PATH
from fecbench.runs.find import find_run
from fecbench.terminal.echo import echo
from fecbench.terminal.fast_import import fast_import
from fecbench.terminal.interrupt import handle_stop_signals
from fecbench.terminal.output import print_json
from fecbench.terminal.step_progress import StepProgress

if TYPE_CHECKING:
    from fecbench.results.export.export import Exported, Format


@click.command()
@click.argument("run")
@click.argument("folder", type=PATH)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["hf", "onnx"]),
    default="hf",
    show_default=True,
    help="hf: Hugging Face folder, for runs with --head native; onnx: ONNX graph, for runs with an encoder (needs "
    "fecbench[onnx])",
)
@click.option(
    "--eval-dataset",
    metavar="OWNER/NAME",
    help="data set of the Hugging Face hub that the run was tested on; evaluation entries are written for it  "
    "[default: the run's, if that is hf:OWNER/NAME with a test split]",
)
@click.option(
    "--push",
    metavar="OWNER/NAME",
    help="model repository of the Hugging Face hub to push the folder to, card and evaluation entries included; a new "
    "one is private; needs a login (hf auth login)",
)
@click.option(
    "--public", is_flag=True, help="create the repository of --push as a public one, or push to one that is public"
)
@ROOT
@JSON
def export(
    run: str,
    folder: Path,
    kind: Format,
    eval_dataset: str | None,
    push: str | None,
    public: bool,
    root: Path,
    as_json: bool,
) -> None:
    """Export a trained model to Hugging Face or ONNX format.

    The export includes the tokenizer, the label names and a model card. RUN is a run id, a run folder or a method
    (its newest complete run). FOLDER must be new or empty. It is written only after the exported model has been
    loaded and has predicted the same logits as the run.

    \b
    Examples:
      fecbench export aml my-model --format onnx
      fecbench export runs/RUN-ID my-model
      fecbench export ce my-model --push me/emotions
    """
    if public and push is None:
        raise UsageError("--public needs --push OWNER/NAME, but it is missing; add it, or leave --public out")
    record = find_run(run, root)
    with fast_import():
        import transformers.modeling_utils  # noqa: F401  the export imports it anyway

        from fecbench.results.export.export import STEPS
        from fecbench.results.export.export import export as write

    handle_stop_signals()  # an exception, unlike the end of the process, lets the draft folder be removed
    try:
        with StepProgress(STEPS + (push is not None)) as progress:
            written = write(record, folder, kind, eval_dataset, push, public, progress.begin)
    except KeyboardInterrupt:
        raise FecbenchError("stopped; nothing was left behind") from None
    if as_json:
        check = {
            "texts": len(written.check.lengths),
            "tokens": written.check.lengths,
            "difference": written.check.difference,
        }
        about = {"run": record.id, "folder": str(folder), "format": kind, "files": written.files}
        print_json({**about, "check": check, "note": written.note, "pushed": written.pushed})
    else:
        _print(written)
    echo(f"next: {_next(written, kind)}", err=True)


def _print(written: Exported) -> None:
    echo(f"written: {written.folder} ({', '.join(written.files)})")
    echo(f"checked: {written.check}")
    if written.note:
        echo(f"note: {written.note}")
    if written.pushed:
        echo(f"pushed: {written.pushed}; choose a licence there before others use the model")


def _next(written: Exported, kind: Format) -> str:
    """Return what to type to predict with the written model."""
    from fecbench.results.export.thresholds_file import THRESHOLDS

    folder = str(written.folder)
    is_quoted = shlex.quote(folder) != folder  # such a name could end the quotes below
    if kind == "onnx" or THRESHOLDS in written.files or is_quoted:  # a pipeline reads no thresholds
        return f"see {written.folder / 'README.md'} for how to predict with it"
    call = f"pipeline('text-classification', '{folder}', truncation=True)('a text')"
    return f'python -c "from transformers import pipeline; print({call})"'
