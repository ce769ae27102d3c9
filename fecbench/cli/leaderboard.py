"""``fecbench leaderboard``: compare runs in tables."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fecbench.cli.common_options import CAPTION, LABEL
from fecbench.core import registry
from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.files import OUTPUT, replacing
from fecbench.core.options import PATH
from fecbench.runs.record import RESULT, ROOT
from fecbench.terminal.echo import echo, echo_document
from fecbench.terminal.output import console
from fecbench.terminal.status_line import status_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fecbench.results.leaderboard.board import Board
    from fecbench.results.leaderboard.view.view import View
    from fecbench.runs.record import Record

TERMINAL = "terminal"
UNRANKED = "none"
BY_SUFFIX = {".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json", ".html": "html", ".txt": TERMINAL}


@click.command()
@click.argument("runs", nargs=-1, type=PATH)
@click.option("--spec", type=PATH, help="benchmark spec that gives the table's rows, columns and seeds")
@click.option("--columns", default="", help="data sets to put side by side in one table, as ed-prepared,ge-prepared")
@click.option("--against", help="method whose gain over the best baseline is shown (Δ)  [default: aml, if it was run]")
@click.option(
    "--metrics",
    "columns_of_metrics",
    default="",
    help="metrics to show, in this order, as accuracy,macro_f1; also of records that lack one  [default: all]",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="further metric to show, such as micro_f1:without=neutral, also of records that lack it, or lrap of texts "
    "with several labels (may be repeated)",
)
@click.option(
    "--columns-extra",
    "extra",
    default="",
    help="further columns: class_f1 (F1 of every label, in a table of its own if they are many) or class_f1:LABEL, "
    "seconds (of training), texts_per_second, parameters (of the model, in millions); separated by commas",
)
@click.option(
    "--sort",
    help="metric that ranks and orders the rows of equal encoder and budget, or none  [default: that of the first "
    "column for terminal, markdown and latex, where rows that a spec declares keep their order; else none]",
)
@click.option(
    "--notes",
    type=click.Choice(("full", "short", "none")),
    help="lines under a table: all; those needed to read it, with the settings that were chosen in one line; or none  "
    "[default: full, in LaTeX short]",
)
@click.option(
    "--names",
    type=click.Choice(("registered", "display")),
    help="names of methods and data sets: as they are typed, or as papers print them  [default: registered, in LaTeX "
    "display]",
)
@CAPTION
@LABEL
@click.option(
    "--best-trial",
    is_flag=True,
    help="show of each method, encoder and budget only the settings with the best validation score",
)
@click.option(
    "--format",
    "form",
    help="terminal, markdown, latex, csv, json, html or an installed format  "
    "[default: terminal; with -o, by the file's ending]",
)
@click.option("--json", "as_json", is_flag=True, help="print JSON with all tests of significance (as --format json)")
@click.option("-o", "--out", type=PATH, help="file to write; its ending selects the format, unless --format is given")
@click.option(
    "--published",
    is_flag=True,
    help="add the scores of the AML paper (its Table 2) as a separate table, ranked on its own",
)
@click.option("--publish", type=PATH, help="folder to copy the board and its records to, without weights")
def leaderboard(
    runs: tuple[Path, ...],
    spec: Path | None,
    columns: str,
    against: str | None,
    metrics: tuple[str, ...],
    form: str | None,
    as_json: bool,
    out: Path | None,
    published: bool,
    publish: Path | None,
    best_trial: bool,
    **shown: Any,
) -> None:
    """Compare methods in tables of test scores.

    A score is the mean ± standard deviation over seeds, in percent (NLL in nats a text).

    RUNS are run folders, or folders that contain run folders at any depth (default: runs/). Rows are methods; columns
    are data sets and metrics. Runs that differ only in their seed share a row. Each version of a data set has its own
    table, unless --columns or --spec puts data sets side by side. Data sets with one label a text and those with
    several are never in one table. The best row of each column is tested against every other row of equal encoder and
    budget, over test examples and over seeds.

    In the terminal, Markdown and LaTeX, rows are ordered and ranked within equal encoder and budget. Rows that a spec
    declares are compared whatever their encoder and budget. LaTeX tables have display names and short notes. --publish
    writes the whole board as it was made, whatever is shown.

    \b
    Examples (Tables 2 and 3 of the AML paper):
      fecbench leaderboard --spec benchmarks/table2.toml -o table2.tex --label tab:main
      fecbench leaderboard --spec benchmarks/ablation.toml -o table3.tex --metrics accuracy,macro_f1 --notes none
    """
    form = _known_format(_requested_format(form, as_json), out)
    view = _view(form, metrics, **shown)
    metrics = tuple(dict.fromkeys((*metrics, *view.metrics, *view.extra)))
    if spec:
        board, trials = _by_spec(spec, runs, columns, against, metrics, best_trial)
    else:
        board, trials = _by_records(runs, columns, against, metrics, published, best_trial), []
    if published:
        from fecbench.results.leaderboard.paper_table import published as table

        board = replace(board, published=table())
    _show(view.of(board), form, out)
    if publish:
        from fecbench.results.leaderboard.publish import publish as copy

        echo(f"published: {len(copy(board, publish, trials))} runs in {publish}", err=True)


def _view(form: str, further: Sequence[str], **shown: Any) -> View:
    """Return the choices of how the board is shown, from options that fit the format.

    Raises:
        UsageError: --caption or --label is given for another format than LaTeX.
        UnknownName: there is no such extra column.
    """
    from fecbench.results.leaderboard.view.view import LATEX, View

    if form != LATEX and (shown["caption"] or shown["label"]):
        raise UsageError(f"--caption and --label are for LaTeX, but the format is {form}; add --format latex")
    usual, sort = View.usual(form), shown["sort"]
    metrics = _listed(shown["columns_of_metrics"])
    return replace(
        usual,
        rank_by=None if sort == UNRANKED else sort or usual.rank_by,
        sort=None if sort is None else True,
        metrics=(*metrics, *further) if metrics else (),
        extra=_extra(shown["extra"]),
        notes=shown["notes"] or usual.notes,
        display_names=usual.display_names if shown["names"] is None else shown["names"] == "display",
        caption=shown["caption"],
        label=shown["label"],
    )


def _extra(names: str) -> list[str]:
    """Return the names in a list of extra columns.

    Raises:
        UnknownName: there is no such column.
    """
    from fecbench.results.leaderboard.extra_scores import EXTRA, is_extra

    found = _listed(names)
    for name in found:
        if not is_extra(name):
            raise UnknownName("column", name, EXTRA, where="of --columns-extra")
    return found


def _listed(names: str) -> list[str]:
    """Return the names in a list that is separated by commas, each once.

    >>> _listed("ed, ge,ed,")
    ['ed', 'ge']
    """
    return list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))


def _requested_format(form: str | None, as_json: bool) -> str | None:
    """Return the format of --format or --json; None without either.

    Raises:
        UsageError: both are given and differ.
    """
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format must agree, but --format is {form}; leave one out")
    return "json" if as_json else form


def _known_format(form: str | None, out: Path | None) -> str:
    """Return the format to use: ``form``, else by the ending of ``out``, else the terminal's.

    It is checked before anything is computed.

    Raises:
        UnknownName: no format has the name ``form``.
        UsageError: the file's ending belongs to no format.
    """
    if form is None:
        if out is None:
            return TERMINAL
        if out.suffix.lower() not in BY_SUFFIX:
            raise UsageError(f"{out} must end in {', '.join(BY_SUFFIX)} for its format to be known; add --format")
        return BY_SUFFIX[out.suffix.lower()]
    if form not in (TERMINAL, *registry.formats):
        raise UnknownName("format", str(form), [TERMINAL, *registry.formats])
    return str(form)


def _by_spec(
    spec: Path, runs: Sequence[Path], columns: str, against: str | None, metrics: Sequence[str], best_trial: bool
) -> tuple[Board, list[Record]]:
    """Return the board of a spec, and the records of the trials that validation chose from.

    Raises:
        UsageError: --columns or --best-trial is given too.
        RunError: no run of the spec is complete.
    """
    from fecbench.bench.comparable_records import Records
    from fecbench.bench.matrix import select
    from fecbench.bench.spec import read_spec
    from fecbench.results.leaderboard.assemble import board_of_selection
    from fecbench.runs.find import find_records

    if columns:
        raise UsageError("--spec gives the data sets to put side by side; leave out --columns")
    if best_trial:
        raise UsageError("--spec shows the trials that validation chose, and no others; leave out --best-trial")
    with status_line() as report:  # opened first: reading the records of a large folder takes seconds
        report("reading the runs of the spec")
        records = find_records(runs or _existing([ROOT]))
        found = Records(records)
        selection = select(read_spec(spec), found)
        selection = replace(selection, metrics=(*selection.metrics, *metrics))
        if not any(found.of(planned) for planned in (*selection.trials, *selection.runs)):
            raise RunError(
                f"the table of {spec} needs complete runs, but none were found; make them with: "
                f"fecbench bench {shlex.quote(str(spec))}"
            )
        trials = [record for planned in selection.trials if (record := found.of(planned))]
        return board_of_selection(selection, records, against, report), trials


def _by_records(
    runs: Sequence[Path],
    columns: str,
    against: str | None,
    metrics: Sequence[str],
    published: bool,
    best_trial: bool,
) -> Board:
    """Return the board of the runs found; an empty board if there are none but ``published`` scores are requested.

    Raises:
        RunError: there is no complete run.
    """
    from fecbench.results.leaderboard.assemble import board_of_records
    from fecbench.runs.find import find_records

    names = _listed(columns)
    records = find_records(runs or _existing([ROOT]))
    if not any((record.folder / RESULT).exists() for record in records):
        if not published:
            raise RunError(no_complete_runs(runs or [ROOT], len(records)))
        names, against = [], None  # a table without runs knows no data set and no method
    with status_line() as report:
        return board_of_records(records, names, against, report=report, metrics=metrics, best_trial=best_trial)


def _existing(folders: Sequence[Path]) -> list[Path]:
    """Return the folders that exist; before the first run there is none."""
    return [folder for folder in folders if folder.is_dir()]


def no_complete_runs(folders: Sequence[Path], unfinished: int) -> str:
    """Return the message for folders without complete runs.

    >>> no_complete_runs([Path("runs")], 0)
    'a leaderboard needs complete runs, but none are under runs; make one with: fecbench run ce --dataset demo'
    """
    where = ", ".join(map(str, folders))
    if unfinished:
        where += f" ({unfinished} not complete)"
    return (
        f"a leaderboard needs complete runs, but none are under {where}; make one with: fecbench run ce --dataset demo"
    )


def _show(board: Board, form: str, out: Path | None) -> None:
    """Print the board, or write it to a file.

    Raises:
        RunError: the file can't be written.
    """
    if form == TERMINAL and out is None:
        from fecbench.results.leaderboard.formats.terminal import print_board

        return print_board(board, console())
    text = _rendered(board, form)
    if out is None:
        return echo_document(text)
    with replacing(out, OUTPUT) as draft:
        draft.write_text(text, encoding="utf-8")
    return echo(f"written: {out}", err=True)


def _rendered(board: Board, form: str) -> str:
    if form == TERMINAL:
        from fecbench.results.leaderboard.formats.terminal import terminal

        return terminal(board)
    from fecbench.results.leaderboard.formats.registered import render

    return render(board, form)
