"""The page about data sets in a browser; skipped where there is no Chromium."""

from functools import partial

import pytest

from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.measures.statistics import measure
from fecbench.data.datasets.rows import split_from_columns
from fecbench.results.data_page.render import page

pytestmark = pytest.mark.slow


@pytest.fixture
def visit(browse, tmp_path):
    """Open a page of 60 classes with long names, words and texts."""
    labels = ("a_label_of_some_length_without_any_space_in_it_" * 3, *(f"class {number}" for number in range(1, 60)))
    texts = [f"text {number}" for number in range(120)] + ["x" * 500, "x" * 500]
    rows = split_from_columns({"text": texts, "label": [*(n % 60 for n in range(120)), 0, 1]})
    splits = dict.fromkeys(("train", "validation", "test"), rows)
    data = EmotionData(DatasetInfo("made", "A made set", "CC0", ""), labels, splits, "here")
    (tmp_path / "data.html").write_text(page([measure(data)]), encoding="utf-8")
    return partial(browse, tmp_path / "data.html")


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_never_scrolls_sideways(visit, width):
    opened = visit(width)
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_bars_are_as_long_as_their_shares(visit):
    opened = visit()
    boxes = opened.evaluate(
        "[...document.querySelectorAll('.bar svg')].map((one) => "
        "one.querySelector('rect').getBoundingClientRect().width / one.getBoundingClientRect().width)"
    )
    assert boxes[0] == pytest.approx(1, abs=0.01)  # 3 rows, the longest bar
    assert boxes[-1] == pytest.approx(2 / 3, abs=0.01)


def test_other_classes_open(visit):
    opened = visit()
    closed = opened.locator("details").first
    assert not closed.locator("table").is_visible()
    closed.locator("summary").click()
    assert closed.locator("tbody th").first.is_visible()
