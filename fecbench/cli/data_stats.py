"""``fecbench data stats``: print statistics of data sets, or write them to a page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import CAPTION, DATA_DIR, JSON, LABEL
from fecbench.cli.data_options import row_options, row_settings
from fecbench.core.errors import FecbenchError, UsageError
from fecbench.core.files import OUTPUT, replacing
from fecbench.core.options import PATH
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.terminal.echo import echo
from fecbench.terminal.output import print_json
from fecbench.terminal.slow_progress import slow_progress
from fecbench.terminal.statistics_tables import print_statistics
from fecbench.terminal.status_line import status_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from fecbench.core.settings import RunSettings
    from fecbench.data.datasets.dataset import EmotionData
    from fecbench.data.datasets.measures.statistics import Statistics
    from fecbench.data.datasets.measures.tokens import Encoding


@row_options("encoder", "max_length")
@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@DATA_DIR
@click.option("--all-classes", is_flag=True, help="show every class of a data set with more than 40")
@click.option("--html", type=PATH, help="file to write a page with pictures to, besides what is printed")
@click.option("--latex", type=PATH, help="file to write a LaTeX table of rows and labels to, besides what is printed")
@CAPTION
@LABEL
@JSON
def stats(
    names: Sequence[str],
    data_dir: Path | None,
    all_classes: bool,
    html: Path | None,
    latex: Path | None,
    caption: str,
    label: str,
    as_json: bool,
    **flags: Any,
) -> None:
    """Print statistics of data sets.

    NAME is a data set as for `fecbench run --dataset`. The statistics are rows (beside the AML paper's Table 1), rows
    of every class, the most frequent class's share, text lengths, duplicates, texts that two splits share, and equal
    texts with contradictory labels. If a text can have several labels, they are also the sizes of sets of labels, and
    the labels that go together. With --encoder, lengths are measured in its tokens too.

    \b
    Examples:
      fecbench data stats demo path/to/folder
      fecbench data stats ge --encoder minilm --html ge.html
      fecbench data stats ed-prepared ge-prepared --latex table1.tex --label tab:data   # Table 1 of the AML paper
    """
    if (caption or label) and not latex:
        raise UsageError("--caption and --label are for the table of --latex; add --latex FILE")
    every = [row_settings(name, flags, "data stats") for name in names]
    if flags["encoder"] is not None:
        from fecbench.model.encoders.load import check_encoder_name

        check_encoder_name(flags["encoder"])
    statistics, errors = _measure_all(every, DataLocations(data_dir), flags["encoder"] is not None)
    if as_json:
        print_json([one.as_dict() | {"notes": list(one.data.notes)} for one in statistics])
    elif statistics:
        print_statistics(statistics, all_classes)
    if html and statistics:
        from fecbench.results.data_page.render import page

        _write(page(statistics), html)
    if latex and statistics:
        from fecbench.results.data_latex import data_table

        _write(data_table(statistics, caption, label), latex)
    _exit_with(errors)


def _measure_all(
    every: Iterable[RunSettings], locations: DataLocations, in_tokens: bool
) -> tuple[list[Statistics], list[FecbenchError]]:
    """Return the statistics of the data sets that can be read, and the errors of the others."""
    statistics, errors = [], []
    for settings in every:
        try:
            statistics.append(_measured(settings, locations, in_tokens))
        except FecbenchError as error:
            errors.append(error)
    return statistics, errors


def _exit_with(errors: Sequence[FecbenchError]) -> None:
    """Print the errors and exit; do nothing without errors."""
    for error in errors:
        echo(f"fecbench: {error}", err=True)
    if errors:
        sys.exit(2 if any(isinstance(error, UsageError) for error in errors) else 1)


def _measured(settings: RunSettings, locations: DataLocations, in_tokens: bool) -> Statistics:
    """Load a data set and measure it, in the encoder's tokens too if ``in_tokens``."""
    from fecbench.data.datasets.measures.statistics import measure, texts_to_read

    with status_line() as report:
        report(f"reading {settings.dataset}")
        data = load_dataset(settings, locations)
        encoding = _encoding(settings, data) if in_tokens else None
    with slow_progress(f"measuring {data.name}", texts_to_read(data, encoding)) as advance:
        return measure(data, encoding, advance)


def _encoding(settings: RunSettings, data: EmotionData) -> Encoding:
    """Return the tokenizer of the encoder, and the maximum length of a text as far as it is known without its weights.

    Raises:
        EncoderError: the encoder isn't available.
    """
    from fecbench.data.datasets.measures.tokens import Encoding
    from fecbench.model.encoders.load import load_encoder

    source = load_encoder(settings.encoder, data.splits["train"]["text"])
    return Encoding(settings.encoder, source.tokenizer, min(settings.max_length, source.tokenizer.model_max_length))


def _write(text: str, path: Path) -> None:
    """Write a page or a table of the statistics to ``path``.

    Raises:
        RunError: the file can't be written.
    """
    with replacing(path, OUTPUT) as draft:
        draft.write_text(text, encoding="utf-8")
    echo(f"written: {path}", err=True)
