"""The leaderboard as a web page: what stands in it, and what it does in a browser."""

import json
import math
import re
import shutil
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest

from fecbench import runs
from fecbench.leaderboard import layout
from fecbench.leaderboard.assembling import of_records
from fecbench.leaderboard.board import Board
from fecbench.leaderboard.formats import render
from fecbench.leaderboard.page import confusions, spread, training
from fecbench.leaderboard.page.rendering import page
from fecbench.leaderboard.published import published

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"meta", "link"}
NASTY = "<script>alert('x')</script>"


class Document(HTMLParser):
    """What a page's tags are; a tag that isn't closed where it should be is an error."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if "style" not in self.open and "script" not in self.open:
            self.text += data

    def named(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def lived(record, matrix=None, scores=(0.2, 0.5), logs=({"model_loss": 2.0}, {"model_loss": 1.0})):
    """Give a record a confusion matrix and a history of two epochs."""
    seed = record.settings()["seed"]
    support = [int(of["support"]) for of in record.result["per_class"].values()]
    found = np.diag(support) if matrix is None else np.array(matrix)
    write(record, "result.json", record.result | {"confusion_matrix": found.tolist(), "best_epoch": 2, "epochs": 2})
    events = []
    for epoch, (score, logged) in enumerate(zip(scores, logs, strict=True), start=1):
        events.append({"event": "updates", "epoch": epoch, "step": 10, "logs": logged})
        metrics = {"accuracy": score + seed / 100}
        events.append({"event": "evaluation", "epoch": epoch, "split": "validation", "metrics": metrics, "best": True})
    (record.folder / "history.jsonl").write_text("\n".join(map(json.dumps, events)))
    return record


def write(record, name, content):
    (record.folder / name).write_text(json.dumps(content))


def rename(record, **about):
    write(record, "run.json", record.about | about)
    return record


@pytest.fixture
def board(three, make) -> Board:
    """Two methods with three seeds, a third one with one, what was published, and a note."""
    records = [lived(record) for record in [*three, make("supcon", accuracy=0.5, seed=0)]]
    return replace(of_records(records), published=published(), notes=("a note on all",))


def test_the_page_is_whole_and_needs_nothing_else(board):
    text = render(board, "html")
    found = Document(text)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = [link["href"] for link in found.named("a")]
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    assert {attributes["aria-labelledby"] for _, attributes in found.tags if "aria-labelledby" in attributes} <= set(ids)
    assert [link["href"] for link in found.named("link")] == ["data:,"]
    assert not any("src" in attributes or "style" in attributes for _, attributes in found.tags)
    assert not {name for name, _ in found.tags} & {"img", "iframe", "object", "foreignobject"}
    assert "url(" not in text
    assert "@import" not in text
    assert text == page(board)
    assert text.endswith("</html>\n")


def test_only_the_pages_own_script_and_style_may_run(board):
    text = page(board)
    (policy,) = [meta["content"] for meta in Document(text).named("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert f"{tag}-src 'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'" in policy


def test_every_head_sorts_by_a_column_of_its_own(board):
    tables, part = [], ""
    for tag, attributes in Document(page(board)).tags:
        if tag == "table":
            tables.append(([], []))
        if tag in ("thead", "tbody", "tfoot"):
            part = tag
        if tag == "tr" and part == "tbody":
            tables[-1][1].append(0)
        if tag == "th":
            assert attributes["scope"] in ("col", "row", "colgroup")
            tables[-1][0].extend([int(attributes["data-column"])] if "data-column" in attributes else [])
        if tag in ("th", "td") and part == "tbody":
            tables[-1][1][-1] += 1
    sortable = [(sorted(heads), cells) for heads, cells in tables if heads]
    assert len(sortable) > 3
    for heads, cells in sortable:
        assert heads == list(range(len(heads)))
        assert set(cells) == {len(heads)}


def test_scores_marks_and_gain_are_those_of_the_other_formats(board):
    text = page(board)
    table = board.tables[0]
    (ours,) = [row for row in table.rows if row.name == "aml"]
    score = ours.cells[0].scores["accuracy"]
    shown = (
        f'data-value="{score.mean}" class="figure"><b>{100 * score.mean:.2f}</b> <span class="spread">± {100 * score.std:.2f} (n=3)</span>'
    )
    assert shown in text
    assert text.count("<u>") == 3 + 6  # second best here and in the published table
    tips = [link["title"] for link in Document(text).named("a") if "title" in link]
    assert "aml is significantly better: p < 0.001 over 150 test examples, p = 0.0" in tips[0]
    assert any("can't be taken for a result on ED" in tip for tip in tips)
    assert "Δ (aml vs. best baseline)" in text
    for line in (*layout.legend(table), *layout.legend(board.published)):
        assert " ".join(line.split()) in " ".join(Document(text).text.split())
    assert "a note on all" in text


def test_what_records_say_stands_there_as_text(make):
    records = [lived(make(accuracy=0.5 + seed / 10, seed=seed)) for seed in range(3)]
    for record in records:
        labels = [NASTY, 'glad" onclick="alert(1)', "sad"]
        data = record.about["dataset"] | {"name": NASTY, "title": NASTY, "labels": labels, "licence": NASTY}
        rename(record, objective={"name": NASTY}, dataset=data, notes=[NASTY], device=NASTY, versions={NASTY: NASTY}, code=NASTY)
        per_class = dict(zip(labels, record.result["per_class"].values(), strict=True))
        support = [int(of["support"]) for of in per_class.values()]
        swapped = np.roll(np.diag(support), 1, axis=1).tolist()
        write(record, "result.json", record.result | {"per_class": per_class, "confusion_matrix": swapped})
    text = page(of_records(records, title=NASTY))
    found = Document(text)
    assert len(found.named("script")) == 1
    assert not any("onclick" in attributes for _, attributes in found.tags)
    assert found.text.count(NASTY) > 8
    assert 'glad" onclick="alert(1)' in found.text


def test_no_text_of_the_data_no_gold_label_of_a_row_and_no_path_of_the_machine(three):
    for record in three:
        rename(lived(record), dataset=record.about["dataset"] | {"label_texts": ["angry: a text that came with the data"]})
    text = page(of_records(three))
    assert "came with the data" not in text
    assert str(three[0].folder.parent) not in text
    assert three[0].id in text


def test_every_seed_is_a_dot(board):
    (found,) = spread.of_table(board.tables[0])
    assert [scale.label for scale in found.scales] == ["Acc", "Weighted-F1", "Macro-F1"]
    rows = dict(found.rows)
    assert [dot.seed for dot in rows["aml"][0].dots] == [0, 1, 2]
    assert rows["aml"][0].mean == pytest.approx(100 * board.tables[0].rows[-1].cells[0].scores["accuracy"].mean)
    places = [dot.at for strips in rows.values() for strip in strips for dot in strip.dots]
    assert 0 < min(places) < max(places) < 100
    assert min(rows["aml"][0].dots).at > max(dot.at for dot in rows["ce"][0].dots)
    drawn = [circle for circle in Document(page(board)).named("circle") if circle["cx"].endswith("%")]
    assert len(drawn) == 3 * (3 + 3 + 1)
    assert spread.of_table(published()) == ()


def test_confused_pairs_are_counted_over_seeds_and_methods(make):
    ours = [lived(make("aml", accuracy=0.9, seed=seed)) for seed in range(2)]
    theirs = [lived(make("ce", accuracy=0.5, seed=seed)) for seed in range(2)]
    angry, glad, sad = (int(of["support"]) for of in ours[0].result["per_class"].values())
    for records, counts in ((ours, (4, 2)), (theirs, (10, 10))):
        for record, count in zip(records, counts, strict=True):
            lived(record, [[angry - count, 0, count], [0, glad, 0], [1, 0, sad - 1]])
    turned = theirs[1].result["confusion_matrix"]  # the same counts with labels numbered the other way round
    rename(theirs[1], dataset=theirs[1].about["dataset"] | {"labels": ["sad", "glad", "angry"]})
    write(theirs[1], "result.json", theirs[1].result | {"confusion_matrix": np.array(turned)[::-1, ::-1].tolist()})
    (found,) = confusions.of_table(of_records([*ours, *theirs]).tables[0])
    assert found.beside.methods == ("aml", "ce")
    assert found.every is None
    first, second = found.beside.pairs
    assert (first.gold, first.predicted, first.rows) == ("angry", "sad", angry)
    assert first.taken == ((3.0, 3 / angry), (10.0, 10 / angry))
    assert first.difference == pytest.approx(-7 / angry)
    assert (second.gold, second.predicted) == ("sad", "angry")


def test_the_method_of_interest_stands_beside_the_best_other_one(board, make):
    weak = lived(make("aml-no-adv", accuracy=0.4, seed=0))
    records = [run.record for run in board.runs()]
    (found,) = confusions.of_table(of_records([*records, weak], against="aml-no-adv").tables[0])
    assert found.beside.methods == ("aml-no-adv", "aml")
    assert set(found.every.methods) == {"aml", "aml-no-adv", "ce", "supcon"}


@pytest.mark.parametrize("matrix", [None, "absent", [[1, 2], [3]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [["a"] * 3] * 3])
def test_a_confusion_matrix_that_contradicts_its_record_is_left_out_and_said(three, matrix):
    for record in three:
        lived(record)
    content = three[0].result | {"confusion_matrix": matrix}
    write(three[0], "result.json", {key: value for key, value in content.items() if value != "absent"})
    found = of_records(three)
    (counted,) = confusions.of_table(found.tables[0])
    assert counted.lacking == ("ce",)
    assert "records of ce hold no counts of confused labels" in page(found)


def test_training_is_drawn_for_every_seed_and_by_the_objectives_panels(three):
    for record in three:
        lived(record, logs=({"aml": 3.0, "model_loss": 1.0, "own_loss": 2.0}, {"aml": 2.0, "model_loss": math.nan, "own_loss": 1.0}))
    ce, aml = training.of_table(of_records(three).tables[0])
    validation, *panels = ce.on[0].charts
    assert [curve.name for curve in validation.curves] == ["seed 0", "seed 1", "seed 2"]
    assert [[curve.name for curve in chart.curves] for chart in panels] == [["model_loss", "own_loss"]]
    assert [len(curve.points) for curve in panels[0].curves] == [1, 2]  # no point for what is no number
    assert [tick.text for tick in validation.x] == ["1", "2"]
    (left, low), (right, high) = validation.curves[0].points
    assert left < right
    assert low > high  # 0.2, then 0.5: down is positive
    assert [chart.title for chart in aml.on[0].charts[1:]] == ["L_aml on the hard pairs", "the encoder's loss (min-step)"]
    assert ce.on[0].best == ((0, 2, 2), (1, 2, 2), (2, 2, 2))


def test_a_record_from_elsewhere_is_drawn_without_its_objective_and_without_its_history(three):
    for record in three[:3]:
        rename(lived(record), objective={"name": "theirs"})
    theirs, aml = sorted(training.of_table(of_records(three).tables[0]), key=lambda found: -len(found.on[0].charts))
    assert [curve.name for curve in theirs.on[0].charts[1].curves] == ["model_loss"]
    assert aml.on[0].charts == ()
    assert "Nothing was logged" in page(of_records(three))


def test_rows_of_one_method_are_told_apart(make):
    records = [lived(make(seed=0, batch_size=size)) for size in (8, 16)]
    found = of_records(records)
    text = Document(page(found)).text
    assert [row.name for row in found.tables[0].rows] == ["ce", "ce"]
    assert text.count("ce · batch 8") == text.count("ce · batch 16") > 3


def test_published_figures_stand_alone_and_missing_ones_are_said(make):
    text = page(Board("Nothing yet", (), published()))
    assert "ranked by itself alone" in text
    assert "How it was measured" not in text
    made = [make("ce", seed=0), make("aml", seed=0, limit=9), make("aml", seed=0, dataset="ge-prepared")]
    assert '<td class="figure">missing</td>' in page(of_records(made, columns=["demo", "ge-prepared"]))


def test_how_it_was_measured(three):
    for number, record in enumerate(three):
        facts = {"device": "cpu", "versions": {"torch": "2.0"}, "ranks": 2, "encoder": {"name": "scratch", "revision": "r1"}}
        rename(record, **facts | ({"code": "c2"} if number > 2 else {}))
    text = " ".join(Document(page(of_records(three))).text.split())
    for words in ("rows of demo", "cpu, 2 ranks", "torch 2.0", "scratch, revision r1", "c1 (ce); c2 (aml)", "0; 1; 2", "epochs 1", "k_pos"):
        assert words in text


def test_the_command_writes_a_page(fecbench, three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = fecbench("leaderboard", "--format", "html", "-o", "board.html", "--published")
    assert (code, out) == (0, ""), err
    assert (tmp_path / "board.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("Chromium isn't installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, board, tmp_path):
    """Open the page: ``visit(width=360, color_scheme="dark")``; it must stay quiet and alone."""
    (tmp_path / "board.html").write_text(page(board), encoding="utf-8")
    address, heard, contexts = (tmp_path / "board.html").as_uri(), [], []

    def open_page(width=1280, **options):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 800}, **options))
        opened = contexts[-1].new_page()
        opened.on("console", lambda message: heard.append(message.text))
        opened.on("pageerror", lambda error: heard.append(str(error)))
        opened.on("request", lambda request: heard.append(request.url) if not request.url.startswith((address, "data:")) else None)
        opened.goto(address)
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def order(opened) -> list[str]:
    return opened.locator("table").first.locator("tbody th").all_text_contents()


def test_heads_sort_by_mouse_and_by_keyboard(visit, board):
    opened, table = visit(), board.tables[0]
    column = opened.locator("table").first.locator("th", has_text="Weighted-F1")
    means = {row.name: row.cells[0].scores["weighted_f1"].mean for row in table.rows}
    falling = sorted(means, key=lambda name: -means[name])
    assert order(opened) == [row.name for row in table.rows]
    column.get_by_role("button").click()
    assert (order(opened), column.get_attribute("aria-sort")) == (falling, "descending")
    column.get_by_role("button").click()
    assert (order(opened), column.get_attribute("aria-sort")) == (falling[::-1], "ascending")
    column.get_by_role("button").focus()
    opened.keyboard.press("Enter")
    assert (order(opened), column.get_attribute("aria-sort")) == (falling, "descending")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Space")  # the head of the methods, by name
    assert order(opened) == sorted(means)
    assert column.get_attribute("aria-sort") is None
    assert opened.locator("tfoot th").first.text_content().startswith("Δ")  # the last row stays the last


def test_what_is_missing_stays_last(visit, chromium):
    opened = visit()
    table = opened.locator("#table-2 table")
    button = table.locator("th[data-column='4'] button")
    names = {"AML (ours)", "SACL"}
    opened.evaluate(
        "names => document.querySelectorAll('#table-2 tbody tr').forEach(row => names.includes(row.cells[0].textContent)"
        " && delete row.cells[4].dataset.value)",
        list(names),
    )
    for _ in range(2):
        button.click()
        assert set(table.locator("tbody th").all_text_contents()[-2:]) == names


def test_without_script_the_tables_stand_as_written(visit, board):
    opened = visit(java_script_enabled=False)
    assert opened.locator("button").count() == 0
    assert order(opened) == [row.name for row in board.tables[0].rows]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_are_readable(visit, scheme):
    opened = visit(color_scheme=scheme)
    ground = _luminance(opened.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert ground < 0.05 if scheme == "dark" else ground > 0.9
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    colours = opened.evaluate(
        "[...document.querySelectorAll('h1, p, caption, td, th, a, li, .spread, dd, svg text')]"
        ".map((one) => getComputedStyle(one)[one.closest('svg') ? 'fill' : 'color'])"
    )
    assert len(set(colours)) >= 3
    for colour in set(colours):
        assert _contrast(_luminance(colour), ground) >= 4.5, colour
    strokes = opened.evaluate("[...document.querySelectorAll('polyline')].map((one) => getComputedStyle(one).stroke)")
    assert len(set(strokes)) >= 3
    assert min(_contrast(_luminance(colour), ground) for colour in strokes) >= 3


def test_what_is_printed_is_dark_on_light(visit):
    opened = visit(color_scheme="dark")
    opened.emulate_media(media="print")
    assert opened.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    for element in ("h1", ".legend", "a.mark"):
        colour = opened.locator(element).first.evaluate("one => getComputedStyle(one).color")
        assert _contrast(_luminance(colour), 1.0) >= 4.5, element


def _luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of a computed colour."""
    parts = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_never_scrolls_sideways_but_its_tables_do(visit, width):
    opened = visit(width)
    opened.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    if width == 360:
        assert opened.evaluate("[...document.querySelectorAll('.scroll')].some((one) => one.scrollWidth > one.clientWidth)")
        wide = opened.evaluate(
            "Math.max(...[...document.querySelectorAll('caption span')].map((one) => one.getBoundingClientRect().right))"
        )
        assert wide <= width


def test_training_opens(visit):
    opened = visit()
    closed = opened.locator("details", has=opened.locator("summary", has_text=re.compile("^aml$")))
    assert not closed.locator("figure").first.is_visible()
    closed.locator("summary").click()
    assert closed.locator("figure").first.is_visible()
    assert closed.locator("figure").first.locator("polyline").first.bounding_box()["width"] > 100


def test_a_big_board_is_small(make):
    """15 methods on 2 data sets with 5 seeds and full histories stay under 2 MB; here a tenth of them under a tenth."""
    logs = {"event": "updates", "epoch": 1, "logs": dict.fromkeys(("model_loss", "discriminator_loss", "aml", "aml_before"), 0.123456)}
    records = [lived(make(method, seed=seed)) for method in ("aml", "aml-no-adv", "ce") for seed in range(5)]
    for record in records:
        lines = [json.dumps(logs | {"step": step}) for step in range(10, 20_000, 10)]
        (record.folder / runs.HISTORY).write_text("\n".join(lines))
    assert len(page(of_records(records))) < 200_000
