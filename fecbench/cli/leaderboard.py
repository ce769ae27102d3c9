"""``fecbench leaderboard``: tables of run records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fecbench import registry
from fecbench.atomic import OUTPUT, replacing
from fecbench.cli.output import console
from fecbench.cli.saying import say, say_document
from fecbench.errors import RunError, UnknownName, UsageError
from fecbench.markdown import inline
from fecbench.runs import RESULT, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    from fecbench.leaderboard.board import Board, Table
    from fecbench.leaderboard.layout import Text
    from fecbench.runs import Record

TERMINAL = "terminal"
BY_SUFFIX = {".md": "markdown", ".tex": "latex", ".csv": "csv", ".json": "json", ".html": "html"}


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--spec", type=click.Path(path_type=Path), help="the benchmark spec whose table this is: its rows, columns and seeds")
@click.option("--columns", default="", help="data sets that stand side by side in one table, as ed-prepared,ge-prepared")
@click.option("--against", help="the method whose gain over the best other row is the last row  [default: aml, where it was run]")
@click.option(
    "--format", "form", default=TERMINAL, show_default=True, help="terminal, markdown, latex, csv, json, html, or another one installed"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON, significance spelled out (as --format json)")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="file to write; its ending tells the format")
@click.option("--published", is_flag=True, help="add what the AML paper reports (its Table 2), set apart and never ranked with these")
@click.option("--publish", type=click.Path(path_type=Path), help="copy the records behind the tables, without weights, to this folder")
def leaderboard(
    runs: tuple[Path, ...],
    spec: Path | None,
    columns: str,
    against: str | None,
    form: str,
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
    form = _known("json" if as_json else form, out)
    board, trials = _by_spec(spec, runs, columns, against) if spec else (_by_records(runs, columns, against, published), [])
    if published:
        from fecbench.leaderboard.published import published as table

        board = replace(board, published=table())
    _show(board, form, out)
    if publish:
        from fecbench.leaderboard.publishing import publish as copy

        say(f"published: {len(copy(board, publish, trials))} runs in {publish}", err=True)


def _known(form: str, out: Path | None) -> str:
    """``form`` itself, or for a file what its ending says where no format was asked for, before anything is computed.

    Raises:
        UnknownName: nothing has that name.
        UsageError: the file's ending says nothing.
    """
    if form == TERMINAL and out:
        if out.suffix not in BY_SUFFIX:
            raise UsageError(f"{out} must end in {', '.join(BY_SUFFIX)} for its format to be known; add --format")
        return BY_SUFFIX[out.suffix]
    if form != TERMINAL and form not in registry.formats:
        raise UnknownName("format", form, [TERMINAL, *registry.formats])
    return form


def _by_spec(spec: Path, runs: Sequence[Path], columns: str, against: str | None) -> tuple[Board, list[Record]]:
    """The board of a spec, and the trials by which validation chose its settings.

    Raises:
        UsageError: something else was given that a spec says.
        RunError: no run of it is complete.
    """
    from fecbench.leaderboard.assembling import of_selection
    from fecbench.leaderboard.finding import find
    from fecbench.matrix import Records, select

    if columns or len(runs) > 1:
        raise UsageError("--spec says which data sets stand side by side, and takes one folder of runs; leave out --columns and other RUNS")
    records, found = find(runs or _there([ROOT])), Records(runs[0] if runs else ROOT)
    selection = select(spec, found)
    if not any(found.of(cell) for cell in (*selection.trials, *selection.cells)):
        raise RunError(f"the table of {spec} needs complete runs of it, but there are none here; make them with: fecbench bench {spec}")
    trials = [record for cell in selection.trials if (record := found.of(cell))]
    return of_selection(selection, records, against), trials


def _by_records(runs: Sequence[Path], columns: str, against: str | None, published: bool) -> Board:
    """The board of the runs found; an empty one where there are none but published figures were asked for.

    Raises:
        RunError: there is no complete run.
    """
    from fecbench.leaderboard.assembling import of_records
    from fecbench.leaderboard.finding import find

    names = list(dict.fromkeys(name.strip() for name in columns.split(",") if name.strip()))
    records = find(runs or _there([ROOT]))
    if not any((record.folder / RESULT).exists() for record in records):
        if not published:
            raise RunError(nothing_found(runs or [ROOT], len(records)))
        names, against = [], None
    return of_records(records, names, against)


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
    if form == TERMINAL:
        return _print(board)
    from fecbench.leaderboard.formats import render

    text = render(board, form)
    if out is None:
        return say_document(text)
    with replacing(out, OUTPUT) as draft:
        draft.write_text(text, encoding="utf-8")
    return say(f"written: {out}", err=True)


def _print(board: Board) -> None:
    from fecbench.leaderboard import layout

    say(board.title)
    for heading, table in layout.tables(board):
        say("")
        say(heading)
        _print_wide(_rich(table))
        for line in layout.legend(table):
            say(line)
    for note in board.notes:
        say("")
        say(note)


def _print_wide(table: RichTable) -> None:
    """A table on whole lines, even where they are longer than the terminal is wide."""
    from rich.measure import Measurement

    out = console()
    out.width = max(out.width, Measurement.get(out, out.options.update(max_width=10_000), table).maximum)
    out.print(table, crop=False, soft_wrap=False)


def _rich(table: Table) -> RichTable:
    from rich.table import Table as RichTable

    from fecbench.leaderboard import layout

    heads, names = layout.heads(table), layout.column_names(table)
    found = RichTable(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate((*heads, *names)):
        found.add_column(inline(name), justify="left" if place < len(heads) else "right", no_wrap=True)
    for number, row in enumerate(table.rows):
        found.add_row(*map(inline, layout.about(table, row)), *map(_styled, layout.line(table, number)))
    for gain in table.gains:
        about, values = layout.gain_line(table, gain)
        found.add_row(*map(inline, (*about, *values)))
    return found


def _styled(text: Text) -> RichText:
    from rich.text import Text as RichText

    styled = RichText(text.text, style="bold" if text.best else "underline" if text.second else "")
    return styled.append(f" {text.marks}", style="not bold not underline") if text.marks else styled
