"""The page about data sets: what it shows, that it is whole, and that no text steers it."""

import re

import pytest

from fecbench.data.datasets.dataset import DatasetInfo, EmotionData
from fecbench.data.datasets.measures.statistics import measure
from fecbench.data.datasets.measures.tokens import Encoding
from fecbench.data.datasets.rows import split_from_columns
from fecbench.results.data_page.render import page
from tests.support.page import Document

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "</style><b>",
    "{{ 7 * 191 }}{% raw %}",
    "']]>--><svg onload=alert(3)>",
    "a\u202eb\x1b[31m",
]


def data_of(labels, rows, name="made", **info) -> EmotionData:
    """A data set with the same ``(text, label number)`` rows in all splits."""
    split = split_from_columns({"text": [text for text, _ in rows], "label": [label for _, label in rows]})
    about = DatasetInfo(name, info.get("title", "A made set"), info.get("licence", "CC0"), info.get("homepage", ""))
    notes = tuple(info.get("notes", ()))
    return EmotionData(about, labels, dict.fromkeys(("train", "validation", "test"), split), "here", notes=notes)


def test_the_page_shows_what_was_measured(tokenizer):
    rows = [("so glad", 0), ("so glad", 1), ("So  glad", 0), ("no", 1), ("why", 0)]
    data = data_of(("joy", "anger"), rows, licence="CC BY 4.0", homepage="https://example.org", notes=["a note"])
    document = Document(page([measure(data, Encoding("scratch", tokenizer, 4))]))
    text = " ".join(document.text.split())
    for expected in (
        "Data: made",
        "A made set",
        "CC BY 4.0",
        "https://example.org",
        data.fingerprint,
        "Most frequent training class: joy.",
        "60.00 %",
        "so glad",
        "joy (6), anger (3)",
        "tokens of scratch",
        "a note",
    ):
        assert expected in text, expected
    bars = document.named("rect")
    assert [bar["width"] for bar in bars] == ["100.0%"] * 3 + ["66.67%"] * 3
    assert len(document.named("figure")) == 2  # words and tokens


def test_the_page_stands_alone_and_equal_statistics_give_equal_pages():
    data = data_of(("joy", "anger"), [("so glad", 0), ("no", 1)])
    text = page([measure(data)])
    assert text == page([measure(data)])
    document = Document(text)
    assert document.named("script") == []
    assert not re.search(r"(src|href)=\"(?!#|data:,)", text)
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = [one["content"] for one in document.named("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "unsafe" not in policy


def test_markup_in_texts_labels_and_names_is_shown_as_it_is():
    rows = [(text, number % 2) for text in HOSTILE for number in range(2)]
    labels = ("<i>joy</i>", HOSTILE[1])
    data = data_of(labels, rows, name=HOSTILE[0], title=HOSTILE[2], licence=HOSTILE[3], homepage="javascript:alert(4)")
    text = page([measure(data), measure(data)])
    tags = {tag for tag, _ in Document(text).tags}
    assert not tags & {"script", "img", "b", "i"}
    assert not [name for _, attributes in Document(text).tags for name in attributes if name.startswith("on")]
    assert "1337" not in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert 'href="javascript:' not in text
    assert "<i>joy</i>" in Document(text).text


def test_many_classes_are_folded():
    labels = tuple(f"class {number:03}" for number in range(150))
    rows = [(f"text {number} {place}", number) for number in range(150) for place in range(1 + (number == 149))]
    document = Document(page([measure(data_of(labels, rows))]))
    assert len(document.named("rect")) == 3 * 150
    assert "110 other classes" in " ".join(document.text.split())
    assert document.text.index("class 149") < document.text.index("class 000")


@pytest.mark.parametrize("text", ["x", "word " * 3000])
def test_texts_of_one_length_and_long_ones_have_a_chart(text):
    rows = [(f"{text}", 0), (f"{text}", 1)]
    document = Document(page([measure(data_of(("joy", "anger"), rows))]))
    assert len(document.named("polyline")) >= 3
