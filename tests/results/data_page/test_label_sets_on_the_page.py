"""The page about data sets whose texts have several labels."""

from fecbench.data.datasets.measures.statistics import measure
from fecbench.results.data_page.render import page
from tests.support.label_sets import data_of, split_of
from tests.support.page import Document

LABELS = ("joy", "<i>love</i>", "fear")
ROWS = [("so glad", [0, 1]), ("So  glad", [0]), ("no", [2]), ("hm", []), ("my dear", [0, 1])]


def shown(**info) -> Document:
    weights = {"weights": [[0.5] * len(labels) for _, labels in ROWS]} if info else {}
    split = split_of(ROWS, **weights)
    return Document(page([measure(data_of(dict.fromkeys(("train", "validation", "test"), split), LABELS, **info))]))


def words(document: Document) -> str:
    return " ".join(document.text.split())


def test_the_page_shows_sets_of_labels():
    text = words(shown())
    for expected in (
        "3, several a text; balance",
        "Most frequent training class: joy. Its share of a split is that of the rows with it.",
        "A row with several classes counts for each of them.",
        "A training row has 1.2 labels on average; there are 4 different sets.",
        "joy, <i>love</i>2 40.00 %",
        "no label1 20.00 %",
        "joy, <i>love</i>2 0.817",
        "so glad",
        "joy + <i>love</i> (3), joy (3)",
    ):
        assert expected in text, expected
    assert "accuracy" not in text
    assert not {"i"} & {tag for tag, _ in shown().tags}


def test_bars_are_shares_of_rows():
    bars = shown().named("rect")
    assert [bar["width"] for bar in bars] == ["100.0%"] * 3 + ["66.67%"] * 3 + ["33.33%"] * 3


def test_shares_have_an_entropy():
    text = words(shown(soft=True))
    assert "3, several a text, in shares; balance" in text
    assert "shares is 0.8318 nats on average" in text
