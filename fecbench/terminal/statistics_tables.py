"""Print the statistics of data sets as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fecbench.core.text import shortened
from fecbench.data.datasets.dataset import SPLITS
from fecbench.terminal.echo import echo
from fecbench.terminal.label_set_tables import print_label_sets
from fecbench.terminal.output import print_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fecbench.data.datasets.measures.equal_texts import EqualTexts
    from fecbench.data.datasets.measures.statistics import Statistics


MOST_CLASSES = 40  # classes of a data set that are shown without --all-classes
LONGEST_TEXT = 100  # characters of a text that is shown as an example
PAIRS = ("train/validation", "train/test", "validation/test")
LENGTH_COLUMNS = (
    "data set",
    "unit",
    "mean",
    "median",
    "p95",
    "max",
    "smallest class",
    "largest class",
    "balance (1 = uniform)",
)


def print_statistics(statistics: Sequence[Statistics], all_classes: bool = False) -> None:
    """Print tables of all data sets, then the classes, sets of labels, contradictions and notes of each."""
    for table in (_print_rows, _print_lengths, _print_tokens, _print_majority, _print_duplicates, _print_equal):
        table(statistics)
    for one in statistics:
        _print_classes(one, all_classes)
        print_label_sets(one)
        _print_contradictions(one)
        for note in one.data.notes:
            echo(f"note: {one.data.name}: {note}")


def _print_rows(statistics: Sequence[Statistics]) -> None:
    from fecbench.data.datasets.measures.statistics import TABLE_1

    print_table(
        ["data set", *SPLITS, "labels", "Table 1 of the AML paper"],
        [
            [
                one.data.name,
                *(one.rows.get(split) for split in SPLITS),
                len(one.data.labels),
                _paper(TABLE_1.get(one.data.name.removesuffix("-prepared"))),
            ]
            for one in statistics
        ],
        "Rows",
    )
    for one in statistics:
        if one.data.cut:
            echo(f"{one.data.name}: {' and '.join(one.data.cut)} cut from train")


def _print_lengths(statistics: Sequence[Statistics]) -> None:
    echo("")
    print_table(
        LENGTH_COLUMNS,
        [
            [
                one.data.name,
                one.lengths.unit,
                *one.lengths.summary().values(),
                _class(one, one.classes.least_frequent),
                _class(one, one.classes.most_frequent),
                round(one.classes.balance, 4),
            ]
            for one in statistics
        ],
        "Text lengths (in words, split at white space, or in characters for scripts without spaces) and class sizes "
        "(training rows)",
    )


def _print_tokens(statistics: Sequence[Statistics]) -> None:
    rows = [
        [
            one.data.name,
            *one.tokens.lengths.summary().values(),
            _of_splits(one.tokens.unknown),
            _of_splits(_cut_shares(one)),
        ]
        for one in statistics
        if one.tokens
    ]
    tokens = statistics[0].tokens
    if not tokens:
        return
    echo("")
    print_table(
        ["data set", "mean", "median", "p95", "max", "unknown tokens", f"texts cut at {tokens.max_length} tokens"],
        rows,
        f"Text lengths in tokens of {tokens.encoder}, with its {tokens.special} special tokens a text, before any cut "
        "(shares: train / validation / test)",
    )


def _cut_shares(one: Statistics) -> dict[str, float]:
    return {split: count / one.rows[split] for split, count in one.tokens.cut.items()} if one.tokens else {}


def _print_majority(statistics: Sequence[Statistics]) -> None:
    echo("")
    print_table(
        ["data set", "class", *(f"% of {split}" for split in SPLITS)],
        [
            [
                one.data.name,
                one.data.labels[one.classes.most_frequent],
                *(
                    round(100 * one.classes.share(split, one.classes.most_frequent), 2)
                    if split in one.classes.rows
                    else None
                    for split in SPLITS
                ),
            ]
            for one in statistics
        ],
        _majority_title(statistics),
    )


def _majority_title(statistics: Sequence[Statistics]) -> str:
    """Return the title of the table; only where labels exclude one another is a share an accuracy."""
    if all(one.data.labelling == "single" for one in statistics):
        return "Most frequent training class (its share is the accuracy of always predicting it)"
    return "Most frequent training class (its share is that of the rows with it, among other labels if there are any)"


def _print_duplicates(statistics: Sequence[Statistics]) -> None:
    echo("")
    _print_equal_texts(statistics, [one.exact for one in statistics], "Exact duplicates and shared texts")


def _print_equal(statistics: Sequence[Statistics]) -> None:
    echo("")
    _print_equal_texts(statistics, [one.folded for one in statistics], "The same, case and white space ignored")


def _print_equal_texts(statistics: Sequence[Statistics], equal: Sequence[EqualTexts], title: str) -> None:
    print_table(
        [
            "data set",
            *(f"duplicates in {split}" for split in SPLITS),
            *(f"shared by {pair.replace('/', ' and ')}" for pair in PAIRS),
        ],
        [
            [one.data.name, *map(texts.duplicates.get, SPLITS), *map(texts.shared.get, PAIRS)]
            for one, texts in zip(statistics, equal, strict=True)
        ],
        title,
    )


def _print_classes(one: Statistics, all_classes: bool) -> None:
    """Print the rows of each class, the most frequent first; of many classes the first ones and a sum of the others."""
    labels, counts, order = one.data.labels, one.classes.rows, one.classes.order
    shown = order if all_classes or len(order) <= MOST_CLASSES else order[: MOST_CLASSES - 1]
    rows: list[list[object]] = [
        [labels[number], *(int(rows[number]) for rows in counts.values()), _share(one, [number])] for number in shown
    ]
    others = order[len(shown) :]
    if others:
        sums = [int(rows[others].sum()) for rows in counts.values()]
        rows.append([f"{len(others)} others (--all-classes shows them)", *sums, _share(one, others)])
    echo("")
    each = " (a row with several counts for each)" if one.label_sets else ""
    print_table(["class", *counts, "% of train"], rows, f"Rows of each class of {one.data.name}{each}")
    for split in counts:
        if missing := one.classes.missing(split):
            echo(f"without a row in {split}: {shortened(missing)}")


def _share(one: Statistics, numbers: Sequence[int]) -> float | None:
    """Return the percentage of training rows with one of the classes; None if rows could count for several of them."""
    if one.label_sets and len(numbers) > 1:
        return None
    return round(sum(100 * one.classes.share("train", number) for number in numbers), 2)


def _print_contradictions(one: Statistics) -> None:
    contradictions = one.contradictions
    if not contradictions.texts:
        return
    texts = f"{contradictions.texts:,} {'text' if contradictions.texts == 1 else 'texts'}"
    within = ", ".join(f"{count:,} within {split}" for split, count in contradictions.within.items())
    echo("")
    echo(
        f"Contradictory labels of equal texts in {one.data.name} (case and white space ignored): {texts} in "
        f"{contradictions.rows:,} rows; {within}"
    )
    for text, labels in contradictions.examples:
        echo(f"  {_shortened_text(text)}: {', '.join(f'{label} {rows:,}' for label, rows in labels.items())}")


def _shortened_text(text: str) -> str:
    return repr(text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...")


def _of_splits(values: Mapping[str, float]) -> str:
    return " / ".join(f"{100 * value:.2f} %" for value in values.values())


def _paper(rows: Sequence[int] | None) -> str:
    return f"{rows[0]:,} / {rows[1]:,} / {rows[2]:,}, {rows[3]} labels" if rows else "not listed"


def _class(one: Statistics, number: int) -> str:
    return f"{one.data.labels[number]} {one.classes.rows['train'][number]:,}"
