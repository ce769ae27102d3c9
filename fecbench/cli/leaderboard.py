"""``fecbench leaderboard``: tables of run records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fecbench.cli.terminal.echo import echo, echo_document
from fecbench.cli.terminal.output import console
from fecbench.cli.terminal.status_line import status_line
from fecbench.core import registry
from fecbench.core.errors import RunError, UnknownName, UsageError
from fecbench.core.files import OUTPUT, replacing
from fecbench.core.options import PATH
from fecbench.core.text import inline
from fecbench.runs.record import RESULT, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    from fecbench.results.leaderboard.board import Board, Table
    from fecbench.results.leaderboard.formats.layout import Text
    from fecbench.runs.record import Record

TERMINAL = "terminal"
BY_SUFFIX = {".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json", ".html": "html", ".txt": TERMINAL}
PLAIN = ("In *asterisks*", "in _underscores_")  # how the best and the second stand out where nothing is bold


@click.command()
@click.argument("runs", nargs=-1, type=PATH)
@click.option("--spec", type=PATH, help="the benchmark spec whose table this is: its rows, columns and seeds")
@click.option(
    "--columns", default="", help="data sets that stand side by side in one table, as ed-prepared,ge-prepared"
)
@click.option(
    "--against", help="the method whose gain over the best baseline is the last row  [default: aml, where it was run]"
)
@click.option(
    "--format",
    "form",
    help="terminal, markdown, latex, csv, json, html, or another one installed  [default: terminal; with -o as the file's ending says]",
)
@click.option("--json", "as_json", is_flag=True, help="print JSON, significance spelled out (as --format json)")
@click.option("-o", "--out", type=PATH, help="file to write; its ending tells the format, unless --format does")
@click.option(
    "--published",
    is_flag=True,
    help="add what the AML paper reports (its Table 2), set apart and never ranked with these",
)
@click.option("--publish", type=PATH, help="copy the records behind the tables, without weights, to this folder")
def leaderboard(
    runs: tuple[Path, ...],
    spec: Path | None,
    columns: str,
    against: str | None,
    form: str | None,
    as_json: bool,
    out: Path | None,
    published: bool,
    publish: Path | None,
) -> None:
    """Methods as rows, data sets and metrics as columns: mean ± standard deviation over seeds, in percent.

    RUNS are run folders, or folders in which runs are looked for at any depth (default: runs/). Runs that differ in nothing but their seed
    share a row; each version of a data set has a table of its own, unless --columns or --spec say which stand side by side. The best row of
    a column is tested against every other one of equal encoder and budget, over test examples and seeds.
    """
    form = _known(_asked(form, as_json), out)
    board, trials = (
        _by_spec(spec, runs, columns, against) if spec else (_by_records(runs, columns, against, published), [])
    )
    if published:
        from fecbench.results.leaderboard.paper_table import published as table

        board = replace(board, published=table())
    _show(board, form, out)
    if publish:
        from fecbench.results.leaderboard.publish import publish as copy

        echo(f"published: {len(copy(board, publish, trials))} runs in {publish}", err=True)


def _asked(form: str | None, as_json: bool) -> str | None:
    """The format that was asked for, if any.

    Raises:
        UsageError: two were.
    """
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json is --format json, but --format is {form}; leave one of them out")
    return "json" if as_json else form


def _known(form: str | None, out: Path | None) -> str:
    """``form`` itself, or for a file what its ending says where no format was asked for, before anything is computed.

    Raises:
        UnknownName: nothing has that name.
        UsageError: the file's ending says nothing.
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


def _by_spec(spec: Path, runs: Sequence[Path], columns: str, against: str | None) -> tuple[Board, list[Record]]:
    """The board of a spec, and the trials by which validation chose its settings.

    Raises:
        UsageError: something else was given that a spec says.
        RunError: no run of it is complete.
    """
    from fecbench.bench.matrix import Records, select
    from fecbench.results.leaderboard.assemble import of_selection
    from fecbench.runs.find import find_records

    if columns:
        raise UsageError("--spec says which data sets stand side by side; leave out --columns")
    records = find_records(runs or _there([ROOT]))
    found = Records(records)
    selection = select(spec, found)
    if not any(found.of(cell) for cell in (*selection.trials, *selection.cells)):
        raise RunError(
            f"the table of {spec} needs complete runs of it, but there are none here; make them with: fecbench bench {spec}"
        )
    trials = [record for cell in selection.trials if (record := found.of(cell))]
    with status_line() as report:
        return of_selection(selection, records, against, report), trials


def _by_records(runs: Sequence[Path], columns: str, against: str | None, published: bool) -> Board:
    """The board of the runs found; an empty one where there are none but published figures were asked for.

    Raises:
        RunError: there is no complete run.
    """
    from fecbench.results.leaderboard.assemble import of_records
    from fecbench.runs.find import find_records

    names = list(dict.fromkeys(name.strip() for name in columns.split(",") if name.strip()))
    records = find_records(runs or _there([ROOT]))
    if not any((record.folder / RESULT).exists() for record in records):
        if not published:
            raise RunError(nothing_found(runs or [ROOT], len(records)))
        names, against = [], None
    with status_line() as report:
        return of_records(records, names, against, report=report)


def _there(places: Sequence[Path]) -> list[Path]:
    """Those of ``places`` that are there: nobody has to have run anything."""
    return [place for place in places if place.is_dir()]


def nothing_found(places: Sequence[Path], unfinished: int) -> str:
    """What to do where there is nothing to show.

    >>> nothing_found([Path("runs")], 0)
    'a leaderboard needs complete runs, but there are none under runs; make one with: fecbench run ce --dataset demo'
    """
    where = ", ".join(map(str, places)) + (f" (and {unfinished} that aren't complete)" if unfinished else "")
    return f"a leaderboard needs complete runs, but there are none under {where}; make one with: fecbench run ce --dataset demo"


def _show(board: Board, form: str, out: Path | None) -> None:
    """Print the board, or write it to a file.

    Raises:
        RunError: the file can't be written.
    """
    if form == TERMINAL and out is None:
        return _print(board, console())
    text = _plain(board) if form == TERMINAL else _rendered(board, form)
    if out is None:
        return echo_document(text)
    with replacing(out, OUTPUT) as draft:
        draft.write_text(text, encoding="utf-8")
    return echo(f"written: {out}", err=True)


def _rendered(board: Board, form: str) -> str:
    from fecbench.results.leaderboard.formats.registered import render

    return render(board, form)


def _plain(board: Board) -> str:
    """The board as the terminal shows it, as text without styles."""
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    _print(
        board, Console(file=text, force_terminal=False, color_system=None, highlight=False, markup=False, emoji=False)
    )
    return text.getvalue()


def _print(board: Board, out: Console) -> None:
    """Print the board; where ``out`` is no terminal, which alone shows bold and underlined, with signs about the best and the second."""
    from fecbench.results.leaderboard.formats import layout

    _line(out, board.title)
    for heading, table in layout.tables(board):
        _line(out, "")
        _line(out, heading)
        _print_wide(_rich(table, out.is_terminal), out)
        for line in layout.legend(table) if out.is_terminal else layout.legend(table, PLAIN):
            _line(out, line)
    for note in board.notes:
        _line(out, "")
        _line(out, note)


def _line(out: Console, text: str) -> None:
    out.print(inline(text), soft_wrap=True)  # nothing is broken into lines


def _print_wide(table: RichTable, out: Console) -> None:
    """A table on whole lines, even where they are longer than the terminal is wide."""
    from rich.measure import Measurement

    out.width = max(out.width, Measurement.get(out, out.options.update(max_width=10_000), table).maximum)
    out.print(table, crop=False, soft_wrap=False)


def _rich(table: Table, styles: bool) -> RichTable:
    from rich.table import Table as RichTable

    from fecbench.results.leaderboard.formats import layout

    heads, names = layout.heads(table), layout.column_names(table)
    found = RichTable(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate((*heads, *names)):
        found.add_column(inline(name), justify="left" if place < len(heads) else "right", no_wrap=True)
    for number, row in enumerate(table.rows):
        found.add_row(
            *map(inline, layout.about(table, row)),
            *(_styled(text) if styles else _signed(text) for text in layout.line(table, number)),
        )
    for gain in table.gains:
        about, values = layout.gain_line(table, gain)
        found.add_row(*map(inline, (*about, *values)))
    return found


def _styled(text: Text) -> RichText:
    from rich.text import Text as RichText

    styled = RichText(text.text, style="bold" if text.best else "underline" if text.second else "")
    return styled.append(f" {text.marks}", style="not bold not underline") if text.marks else styled


def _signed(text: Text) -> str:
    sign = "*" if text.best else "_" if text.second else ""
    return f"{sign}{text.text}{sign}{f' {text.marks}' * bool(text.marks)}"
