"""Cell texts, headings and legend of a table, shared by all formats."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.text import shortened
from fecbench.results.leaderboard.board import ALPHA
from fecbench.results.shown_metrics import DOWN, PERCENT, UP, arrow, figure
from fecbench.training.block_scores import BLOCK_METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fecbench.results.leaderboard.board import Board, Column, Comparison, Gain, Row, Score, Table


BEATEN, NOTED = "†", "‡"
NOTHING, MISSING = "–", "missing"  # noqa: RUF001  the en dash is intended
PUBLISHED = "Published, not measured here"
RANK = "Rank"


@dataclass(frozen=True)
class Text:
    """The text of a table's cell.

    Attributes:
        text: the score, or a word for a missing one.
        best: True for bold.
        second: True for underlined.
        marks: signs that the legend explains.
    """

    text: str
    best: bool = False
    second: bool = False
    marks: str = ""


def heads(table: Table) -> list[str]:
    """Return the headings of the columns before the scores; encoder and budget have one only if rows differ in them."""
    headings = ["Method", *_condition_heads(table)]
    return [*headings, RANK] if table.ranks else headings


def _condition_heads(table: Table) -> list[str]:
    headings = []
    if "encoder" in table.varying:
        headings.append("Encoder")
    if any(key != "encoder" for key in table.varying):
        headings.append("Budget")
    return headings


def about(table: Table, row: Row) -> list[str]:
    """Return the texts of a row before its scores, one for each of the ``heads``."""
    words = [row.name, *_conditions(table, row)]
    return [*words, _rank(table, row)] if table.ranks else words


def _rank(table: Table, row: Row) -> str:
    rank = table.rank(row)
    return NOTHING if rank is None else str(rank)


def _conditions(table: Table, row: Row) -> list[str]:
    """Return encoder and budget of a row, where rows differ in them."""
    words = []
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
    if key == "epochs":
        return f"{values} epoch" if values == "1" else f"{values} epochs"
    return f"{key.removesuffix('_size')} {values}"


def starts(table: Table) -> set[int]:
    """Return the numbers of the rows at which a group of another encoder or budget starts, in a ranked table."""
    if not (table.ranks and table.grouped):
        return set()
    groups = [_group(table, number) for number in range(len(table.rows))]
    return {number for number in range(1, len(groups)) if groups[number] != groups[number - 1]}


def _group(table: Table, number: int) -> int | None:
    """Return the number of a row's group on the first data set on which it has scores."""
    return next((group for column in table.columns if (group := column.group(number))), None)


def line(table: Table, number: int) -> list[Text]:
    """Return the score texts of a row, one for each column."""
    return [_text(table, number, column) for column in table.columns]


def _text(table: Table, number: int, column: Column) -> Text:
    cell, score = table.rows[number].cells[column.dataset], table.score(number, column)
    if score is None:
        return Text(MISSING if cell.missing else NOTHING)
    marks = ""
    if column.beaten(number):
        marks += BEATEN
    if cell.footnote:
        marks += NOTED
    text = score_text(score, table.common_seeds is None, column.unit)
    return Text(text, number in column.best, number in column.second, marks)


def score_text(score: Score, with_seeds: bool = False, unit: str = PERCENT) -> str:
    """Return mean and standard deviation as they are shown, in percent by default, optionally with the number of seeds.

    >>> from fecbench.results.leaderboard.board import Score
    >>> from fecbench.results.shown_metrics import UNITS
    >>> score_text(Score(0.6552, 0.0027)), score_text(Score.of({3: 0.5}), with_seeds=True)
    ('65.52 ± 0.27', '50.00 (n=1)')
    >>> score_text(Score(2.7561, 0.0038), unit=UNITS["nll"])
    '2.756 ± 0.004'
    """
    text = figure(score.mean, unit)
    if score.std is not None:
        text += f" ± {figure(score.std, unit)}"
    if with_seeds and score.seeds:
        text += f" (n={len(score.seeds)})"
    return text


def gain_line(table: Table, gain: Gain) -> tuple[list[str], list[str]]:
    """Return the texts of a Δ row before its values, and its values; empty where the method isn't best."""
    row = table.rows[gain.row]
    return [f"Δ ({row.name} vs. best baseline)", *_conditions(table, row), *([""] if table.ranks else [])], [
        "" if v is None else f"{100 * v:+.2f}%" for v in gain.values
    ]


def most_frequent_line(table: Table) -> tuple[list[str], list[str]] | None:
    """Return the texts of the most frequent class's row before its scores, and its scores; None if there is no row."""
    row = table.most_frequent
    if row is None:
        return None
    return [row.name, *[""] * (len(heads(table)) - 1)], ["" if value is None else figure(value) for value in row.values]


def last_lines(table: Table) -> list[tuple[list[str], list[str]]]:
    """Return the rows under the methods: the Δ rows, then that of the most frequent class, each in two parts."""
    frequent = most_frequent_line(table)
    return [*(gain_line(table, gain) for gain in table.gains), *([frequent] if frequent else [])]


def label(table: Table, column: Column) -> str:
    """Return the label of a column, with its direction if lower scores are better in some column of the table."""
    return f"{column.label} {arrow(column.lower)}" if table.directed else column.label


def units(table: Table) -> str:
    """Return the words for the units of the scores.

    >>> from fecbench.results.leaderboard.paper_table import published
    >>> units(published())
    'in percent'
    """
    others = {column.label: column.unit for column in table.columns if column.unit != PERCENT}
    words = ", ".join(f"{label} in {unit}" for label, unit in others.items())
    return f"in percent ({words})" if words else "in percent"


def column_names(table: Table) -> list[str]:
    """Return one heading for each column of scores, with the data set's name if there are several."""
    several = len(table.datasets) > 1
    names = [f"{table.datasets[column.dataset].name} " if several else "" for column in table.columns]
    return [f"{name}{label(table, column)}" for name, column in zip(names, table.columns, strict=True)]


def tables(board: Board) -> Iterator[tuple[str, Table]]:
    """Yield every table with its heading; the published table comes last and is marked as such."""
    for table in board.tables:
        yield table.title, table
    if board.published:
        yield f"{PUBLISHED}: {board.published.title}", board.published


def legend(table: Table, styles: tuple[str, str] = ("Bold", "underlined")) -> list[str]:
    """Return the lines under a table; ``styles`` are the words for the look of the best and the second.

    The first one is the caption. ``Table.shown_notes`` selects the others.
    """
    if table.shown_notes == "none":
        return [caption(table)]
    lines = [caption(table)]
    if table.directed:
        lines.append(f"{UP}: higher is better; {DOWN}: lower is better.")
    if any(column.best for column in table.columns):
        lines.append(f"{styles[0]}: {best(table)}; {styles[1]}: second.")
    if table.ranks:
        lines.append(f"Rank: by {table.ranked_by.rstrip(f' {UP}{DOWN}')}.")
    if table.grouped and not table.by_label:
        lines.append(
            "Ranks, significance tests and Δ compare only rows of equal encoder and budget (epochs, patience, limit)."
        )
    if table.shown_notes == "short":
        return [*lines, *_significance(table), *_footnotes(table), *table.short_notes]
    return [*lines, *_significance(table), *_untested(table), *_footnotes(table), *table.notes]


def best(table: Table) -> str:
    """Return the words for the best scores of a table.

    >>> from fecbench.results.leaderboard.paper_table import published
    >>> best(published())
    'best of the column'
    """
    place, others = ("line", "methods") if table.by_label else ("column", "rows")
    return f"best of the {place}" + (f" among {others} of the same encoder and budget" if table.grouped else "")


def counted(repetitions: Sequence[int | str]) -> str:
    """Return the number of seeds, or of folds, in words.

    >>> counted([0, 1, 2]), counted(["0/0", "0/1"]), counted(["0/0", "0/1", "1/0", "1/1"])
    ('3 seeds', '2 folds', '2 folds with 2 seeds each')
    >>> counted([3]), counted(["3/0"])
    ('1 seed', '1 fold')
    """
    pairs = [repetition.split("/") for repetition in repetitions if isinstance(repetition, str)]
    if not pairs:
        return _plural(len(repetitions), "seed")
    seeds, folds = {seed for seed, _ in pairs}, {fold for _, fold in pairs}
    if len(seeds) == 1:
        return _plural(len(folds), "fold")
    each = len(seeds) * len(folds) == len(pairs)
    return f"{len(folds)} folds with {len(seeds)} seeds each" if each else f"{len(pairs)} runs of seeds and folds"


def _plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def averaged_over(repetitions: Sequence[Sequence[int | str]]) -> str:
    """Return what the means of several rows are over: the number of seeds or folds, if all rows have equally many.

    >>> averaged_over([[0, 1], [0, 1]]), averaged_over([[0, 1], [0]]), averaged_over([["0/0", "0/1"], ["0/0"]])
    ('2 seeds', 'n seeds', 'n folds')
    """
    words = {counted(each) for each in repetitions}
    folded = any(isinstance(repetition, str) for each in repetitions for repetition in each)
    return words.pop() if len(words) == 1 else "n folds" if folded else "n seeds"


def caption(table: Table) -> str:
    """Return the caption: the unit of the scores and their number of seeds or folds."""
    seeds, one = table.common_seeds, "fold" if table.folded else "seed"
    if not any(score.std is not None for score in table.scores()):
        return f"Test scores {units(table)}" + (f", of one {one}." if seeds == 1 else ".")
    # Scores without seeds are published ones, which don't say which standard deviation theirs is.
    over = "" if seeds == 0 else f" over {averaged_over([list(score.seeds) for score in table.scores()])}"
    return f"Test scores {units(table)}, mean ± {'sample ' if seeds != 0 else ''}standard deviation{over}."


def _significance(table: Table) -> Iterator[str]:
    comparisons = _comparisons(table)
    if any(comparison.significant for _, comparison in comparisons):
        yield (
            f"{BEATEN} The {best(table)} is significantly better than the marked score: p < {ALPHA} in a permutation "
            f"test over test examples{_in_blocks(comparisons)} and in a paired t-test over {_tested_over(table)}, "
            "Holm-corrected over the column."
        )
    elif any(comparison.significant is False for _, comparison in comparisons):  # None: no test was possible
        which = "the best of an encoder and budget" if table.grouped else "the best of a column"
        yield f"In no test is {which} significantly better than another row (p < {ALPHA}, Holm-corrected)."


def _untested(table: Table) -> Iterator[str]:
    """Yield the reasons why the best was not tested against some rows."""
    reasons: dict[str, list[tuple[Column, int]]] = defaultdict(list)
    for column, comparison in _comparisons(table):
        if comparison.reason:
            reasons[comparison.reason].append((column, comparison.other))
    for reason, pairs in reasons.items():
        yield f"The best was not tested against {_against(table, pairs)}: {reason}."


def _comparisons(table: Table) -> list[tuple[Column, Comparison]]:
    return [(column, comparison) for column in table.columns for comparison in column.comparisons]


def _in_blocks(comparisons: Sequence[tuple[Column, Comparison]]) -> str:
    """Return the words for the columns that are tested over blocks of examples; empty if there is none."""
    tested = [column for column, pair in comparisons if pair.p is not None and column.metric in BLOCK_METRICS]
    names = dict.fromkeys(column.label for column in tested)
    return f" (for {', '.join(names)}: a jackknife test over blocks of them)" if names else ""


def _tested_over(table: Table) -> str:
    return "folds (with the correction of Nadeau and Bengio 2003)" if table.folded else "seeds"


def _against(table: Table, pairs: list[tuple[Column, int]]) -> str:
    """Return the names of the rows, and of the columns unless they are all."""
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
