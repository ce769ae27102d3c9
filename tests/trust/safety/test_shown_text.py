"""Markup in data, labels and names is shown as text: on pages, in tables, in figures and at the terminal."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fecbench.runs.record import Record
from tests.support.hostile import SMALL

# ---- what is shown

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "=HYPERLINK(0)",
    "[red]bold[/red] [/]",
    "\x1b[31mansi\x1b[0m \x9b2J",
    "{{ 7 * 191 }}{% raw %}",
    r"\input{secret} $x$ & 5%",
    "parted\there\nforged 1.000\tline\u2028forged 1.000\u202e\u2066",
]
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORGED = re.compile(r"^\W*forged", re.MULTILINE)


DATA = "=1+1 [red]<b>x<b> []\nforged \u202e"


class Elements(HTMLParser):
    """Names of all elements of a page, and attributes that would run something."""

    def __init__(self, page: str):
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.fixture
def hostile(fecbench, here) -> Path:
    """Runs of two methods on data whose folder, labels and texts are markup for whoever may take it as such."""
    data = here / DATA
    data.mkdir()
    for split, count in (("train", 6), ("validation", 2), ("test", 3)):
        with (data / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["text", "label"])
            lines.writerows([f"{label} {split} {number}", label] for label in HOSTILE for number in range(count))
    for name, lr in (("ce", 1e-4), ("ce", 2e-4), ("supcon", 1e-4)):
        folder = here / "runs" / (f"[blue]{name}" if lr == 1e-4 else f"\x1b[1m{name}")
        code, out, err = fecbench("run", name, "--dataset", f"./{data.name}", "--lr", lr, *SMALL, "--run-dir", folder)
        assert code == 0, err
        assert not CONTROLS.search(out + err)
    return here / "runs"


def test_markup_in_data_labels_and_names_is_shown_and_steers_nothing(fecbench, hostile, here):
    runs = [str(hostile / f"[blue]{name}") for name in ("ce", "supcon")]
    plots = (
        ["confusion", runs[0]],
        ["dynamics", runs[1]],
        ["embeddings", *runs, "--rows", 20],
        ["reliability", runs[0]],
        ["scores", hostile],
        ["sensitivity", hostile, "--objective", "ce"],
    )
    printed = {}
    for command in (
        ["runs", hostile],
        ["predict", runs[0], *HOSTILE, "two\nlines\tand a tab"],
        ["predict", runs[0], *HOSTILE, "--json"],
        ["cases", *runs],
        ["cases", *runs, "--format", "markdown"],
        ["cases", *runs, "--format", "json"],
        *(
            ["leaderboard", hostile, "--format", form]
            for form in ("terminal", "markdown", "latex", "csv", "json", "html")
        ),
        ["data", "stats", here / DATA],
        ["export", runs[0], here / "model"],
        *(["plot", *plot, "--out", here / f"{plot[0]}.svg"] for plot in plots),
        ["run", "ce", "--dataset", "\x1b[2Jnowhere"],
    ):
        code, out, err = fecbench(*command)
        assert (code == 0) is (command[0] != "run"), err
        assert not CONTROLS.search(out + err), command
        if command[-1] != "html":  # whose lines mean nothing
            assert not FORGED.search("\n".join((out + err).splitlines())), command
        printed[" ".join(map(str, (command[0], command[-1])))] = out
    assert "<b>x<b> []" in printed[f"runs {hostile}"]
    assert "[red]bold[/red] [/]" in printed["predict two\nlines\tand a tab"]
    assert len(printed["predict two\nlines\tand a tab"].splitlines()) == len(HOSTILE) + 1
    assert [row["text"] for row in json.loads(printed["predict --json"])["predictions"]] == HOSTILE
    _check_page(printed["leaderboard html"])
    for text in (
        printed["leaderboard markdown"],
        printed["cases markdown"],
        (here / "model" / "README.md").read_text(),
    ):
        _check_markdown(text)
    assert r"\input" not in printed["leaderboard latex"]
    assert not [
        row for row in csv.reader(io.StringIO(printed["leaderboard csv"])) for cell in row if cell.startswith("=")
    ]
    for name, *_ in plots:
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(here / f"{name}.svg").iter()}
        assert not tags & {"script", "img", "b", "foreignObject"}
    assert Record(Path(runs[0])).about["dataset"]["labels"] == sorted(HOSTILE)


def _check_page(page: str) -> None:
    elements = Elements(page)
    assert elements.names.count("script") == 1  # the page's own
    assert "img" not in elements.names
    assert not elements.handlers
    assert "<b>x<b>" not in page
    assert "1337" not in page


def _check_markdown(text: str) -> None:
    """Outside of code, where Markdown shows everything as it is, no angle bracket opens an element."""
    prose = re.sub(r"^---\n.*?\n---\n", "", text, flags=re.DOTALL)
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", prose, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)<(script|img|b)", prose)
    assert "1337" not in text
