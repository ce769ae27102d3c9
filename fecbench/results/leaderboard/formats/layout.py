"""What stands where: the texts of a table's cells and of what is said under it, for every format alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.text import shortened
from fecbench.results.leaderboard.board import ALPHA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fecbench.results.leaderboard.board import Board, Column, Gain, Row, Score, Table


BEATEN, NOTED = "†", "‡"
NOTHING, MISSING = "–", "missing"  # noqa: RUF001  an en dash is meant
PUBLISHED = "Published, not measured here"


@dataclass(frozen=True)
class Text:
    """The content of a table's cell.

    Attributes:
        text: figures or a word.
        best: whether it stands in bold, ``second`` underlined.
        marks: signs that the legend explains.
    """

    text: str
    best: bool = False
    second: bool = False
    marks: str = ""


def heads(table: Table) -> list[str]:
    """Headings of what is said of a row before its scores: encoder and budget only where rows differ in them."""
    budget = any(key != "encoder" for key in table.varying)
    return ["Method", *["Encoder"] * ("encoder" in table.varying), *["Budget"] * budget]


def about(table: Table, row: Row) -> list[str]:
    """What is said of a row before its scores."""
    words = [row.name]
    if "encoder" in table.varying:
        words.append(" / ".join(map(str, row.setting("encoder"))))
    budget = [key for key in table.varying if key != "encoder"]
    if budget:
        words.append(", ".join(_budget(key, row) for key in budget if row.setting(key)))
    return words


def _budget(key: str, row: Row) -> str:
    if key == "limit":
        return " / ".join("all rows" if value is None else f"first {value:,} rows" for value in row.condition(key))
    values = " / ".join(map(str, row.setting(key)))
    return f"{values} epoch{'s' * (values != '1')}" if key == "epochs" else f"{key.removesuffix('_size')} {values}"


def line(table: Table, number: int) -> list[Text]:
    """The scores of a row, a text for each column."""
    return [_text(table, number, column) for column in table.columns]


def _text(table: Table, number: int, column: Column) -> Text:
    cell, score = table.rows[number].cells[column.dataset], table.score(number, column)
    if score is None:
        return Text(MISSING if cell.missing else NOTHING)
    marks = BEATEN * column.beaten(number) + NOTED * bool(cell.footnote)
    return Text(score_text(score, table.common_seeds is None), number in column.best, number in column.second, marks)


def score_text(score: Score, with_seeds: bool = False) -> str:
    """Mean and spread in percent.

    >>> from fecbench.results.leaderboard.board import Score
    >>> score_text(Score(0.6552, 0.0027)), score_text(Score.of({3: 0.5}), with_seeds=True)
    ('65.52 ± 0.27', '50.00 (n=1)')
    """
    spread = "" if score.std is None else f" ± {100 * score.std:.2f}"
    return f"{100 * score.mean:.2f}{spread}{f' (n={len(score.seeds)})' * bool(with_seeds and score.seeds)}"


def gain_line(table: Table, gain: Gain) -> tuple[list[str], list[str]]:
    """What is said of a last row, and its values; empty where the method isn't best."""
    row = table.rows[gain.row]
    return [f"Δ ({row.name} vs. best baseline)", *about(table, row)[1:]], [
        "" if v is None else f"{100 * v:+.2f}%" for v in gain.values
    ]


def column_names(table: Table) -> list[str]:
    """Headings of the columns on one line, with the data set where there are several."""
    several = len(table.datasets) > 1
    return [
        f"{table.datasets[column.dataset].name} {column.label}" if several else column.label for column in table.columns
    ]


def tables(board: Board) -> Iterator[tuple[str, Table]]:
    """Every table with its heading, the published one last and marked."""
    for table in board.tables:
        yield table.title, table
    if board.published:
        yield f"{PUBLISHED}: {board.published.title}", board.published


def legend(table: Table, styles: tuple[str, str] = ("Bold", "underlined")) -> list[str]:
    """What is said under a table, a line each; ``styles`` say how the best and the second stand out."""
    ranked = any(column.best for column in table.columns)
    return [
        caption(table),
        *[f"{styles[0]}: {best(table)}; {styles[1]}: second."] * ranked,
        *["Ranks, significance and Δ only among rows of equal encoder and budget (epochs, patience, limit)."]
        * table.grouped,
        *_significance(table),
        *_footnotes(table),
        *table.notes,
    ]


def best(table: Table) -> str:
    """What the best is called.

    >>> from fecbench.results.leaderboard.paper_table import published
    >>> best(published())
    'best of the column'
    """
    return "best of the column among rows of the same encoder and budget" if table.grouped else "best of the column"


def caption(table: Table) -> str:
    """What the figures are."""
    seeds = table.common_seeds
    if not any(score.std is not None for score in table.scores()):
        return "Test scores in percent" + (", of one seed." if seeds == 1 else ".")
    over = f" over {seeds} seeds" if seeds else " over n seeds" if seeds is None else ""
    return f"Test scores in percent, mean ± {'sample ' if seeds != 0 else ''}standard deviation{over}."


def _significance(table: Table) -> Iterator[str]:
    comparisons = [(column, comparison) for column in table.columns for comparison in column.comparisons]
    if any(comparison.significant for _, comparison in comparisons):
        yield (
            f"{BEATEN} The {best(table)} is significantly better: p < {ALPHA} in a permutation test over test examples and in "
            "a paired t-test over seeds, Holm-corrected over the column."
        )
    elif any(comparison.significant is False for _, comparison in comparisons):
        which = "the best of an encoder and budget" if table.grouped else "the best of a column"
        yield f"Where it was tested, {which} is nowhere significantly better than another row (p < {ALPHA}, Holm-corrected)."
    reasons: dict[str, list[tuple[Column, int]]] = defaultdict(list)
    for column, comparison in comparisons:
        if comparison.reason:
            reasons[comparison.reason].append((column, comparison.other))
    for reason, pairs in reasons.items():
        yield f"Whether the best is significantly better than {_against(table, pairs)}: can't tell; {reason}."


def _against(table: Table, pairs: list[tuple[Column, int]]) -> str:
    """Rows, and columns where it isn't all."""
    rows = dict.fromkeys(table.rows[number].name for _, number in pairs)
    columns = [
        name
        for name, column in zip(column_names(table), table.columns, strict=True)
        if any(column is one for one, _ in pairs)
    ]
    return shortened(list(rows)) + (f" ({shortened(columns)})" if len(columns) < len(table.columns) else "")


def _footnotes(table: Table) -> Iterator[str]:
    for row in table.rows:
        for version, cell in zip(table.datasets, row.cells, strict=True):
            if cell.footnote:
                yield f"{NOTED} {row.name}, {version.name}: {cell.footnote}"
