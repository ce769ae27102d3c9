"""The leaderboard as a web page: what stands in it, and what never does."""

import json
import re
from base64 import b64encode
from hashlib import sha256

import numpy as np
import pytest

from fecbench.results.leaderboard.assemble import board_of_records
from fecbench.results.leaderboard.board import Board
from fecbench.results.leaderboard.formats import layout
from fecbench.results.leaderboard.formats.page.render import page
from fecbench.results.leaderboard.formats.registered import render
from fecbench.results.leaderboard.paper_table import published
from fecbench.runs.record import HISTORY
from tests.support.page import Document, lived, rename, write

NASTY = "<script>alert('x')</script>"


def test_the_page_is_whole_and_needs_nothing_else(board):
    text = render(board, "html")
    found = Document(text)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = [link["href"] for link in found.named("a")]
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    assert {attributes["aria-labelledby"] for _, attributes in found.tags if "aria-labelledby" in attributes} <= set(
        ids
    )
    assert [link["href"] for link in found.named("link")] == ["data:,"]
    assert not any("src" in attributes or "style" in attributes for _, attributes in found.tags)
    assert not {name for name, _ in found.tags} & {"img", "iframe", "object", "foreignobject"}
    assert "url(" not in text
    assert "@import" not in text
    assert text == page(board)
    assert text.endswith("</html>\n")


def test_only_the_pages_own_script_and_style_may_run(board):
    text = page(board)
    (policy,) = [
        meta["content"] for meta in Document(text).named("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    ]
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
    spread = f'<span class="spread">± {100 * score.std:.2f} (n=3)</span>'
    assert f'data-value="{score.mean}" class="figure"><b>{100 * score.mean:.2f}</b> {spread}' in text
    assert text.count("<u>") == 3 + 6  # second best here and in the published table
    tips = [link["title"] for link in Document(text).named("a") if "title" in link]
    assert "aml is significantly better: p < 0.001 over 150 test examples, p = 0.0" in tips[0]
    assert any("not a result on ED" in tip for tip in tips)
    assert "Δ (aml vs. best baseline)" in text
    for line in (*layout.legend(table), *layout.legend(board.published)):
        assert " ".join(line.split()) in " ".join(Document(text).text.split())
    assert "a note on all" in text


def test_what_records_say_stands_there_as_text(make):
    records = [lived(make(accuracy=0.5 + seed / 10, seed=seed)) for seed in range(3)]
    for record in records:
        labels = [NASTY, 'glad" onclick="alert(1)', "sad"]
        data = record.about["dataset"] | {"name": NASTY, "title": NASTY, "labels": labels, "licence": NASTY}
        rename(
            record,
            objective={"name": NASTY},
            dataset=data,
            notes=[NASTY],
            device=NASTY,
            versions={NASTY: NASTY},
            code=NASTY,
        )
        per_class = dict(zip(labels, record.result["per_class"].values(), strict=True))
        support = [int(of["support"]) for of in per_class.values()]
        swapped = np.roll(np.diag(support), 1, axis=1).tolist()
        write(record, "result.json", record.result | {"per_class": per_class, "confusion_matrix": swapped})
    text = page(board_of_records(records, title=NASTY))
    found = Document(text)
    assert len(found.named("script")) == 1
    assert not any("onclick" in attributes for _, attributes in found.tags)
    assert found.text.count(NASTY) > 8
    assert 'glad" onclick="alert(1)' in found.text


def test_no_text_of_the_data_no_gold_label_of_a_row_and_no_path_of_the_machine(three):
    for record in three:
        rename(
            lived(record), dataset=record.about["dataset"] | {"label_texts": ["angry: a text that came with the data"]}
        )
    text = page(board_of_records(three))
    assert "came with the data" not in text
    assert str(three[0].folder.parent) not in text
    assert three[0].id in text


def test_rows_of_one_method_are_told_apart(make):
    records = [lived(make(seed=0, batch_size=size)) for size in (8, 16)]
    found = board_of_records(records)
    text = Document(page(found)).text
    assert [row.name for row in found.tables[0].rows] == ["ce", "ce"]
    assert text.count("ce · batch 8") == text.count("ce · batch 16") > 3


def test_published_figures_stand_alone_and_missing_ones_are_said(make):
    text = page(Board("Nothing yet", (), published()))
    assert "Ranked separately" in text
    assert "Conditions of the runs" not in text
    made = [make("ce", seed=0), make("aml", seed=0, limit=9), make("aml", seed=0, dataset="ge-prepared")]
    assert '<td class="figure">missing</td>' in page(board_of_records(made, columns=["demo", "ge-prepared"]))


def test_how_it_was_measured(three):
    for number, record in enumerate(three):
        facts = {
            "device": "cpu",
            "versions": {"torch": "2.0"},
            "ranks": 2,
            "encoder": {"name": "scratch", "revision": "r1"},
        }
        rename(record, **facts | ({"code": "c2"} if number > 2 else {}))
    text = " ".join(Document(page(board_of_records(three))).text.split())
    for words in (
        "rows of demo",
        "cpu, 2 ranks",
        "torch 2.0",
        "scratch, revision r1",
        "c1 (ce); c2 (aml)",
        "0; 1; 2",
        "epochs 1",
        "k_pos",
    ):
        assert words in text


def test_the_command_writes_a_page(fecbench, three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = fecbench("leaderboard", "--format", "html", "-o", "board.html", "--published")
    assert (code, out) == (0, ""), err
    assert (tmp_path / "board.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_a_big_board_is_small(make):
    """15 methods on 2 data sets with 5 seeds and full histories stay under 2 MB; here a tenth of them under a tenth."""
    logs = {
        "event": "updates",
        "epoch": 1,
        "logs": dict.fromkeys(("model_loss", "discriminator_loss", "aml", "aml_before"), 0.123456),
    }
    records = [lived(make(method, seed=seed)) for method in ("aml", "aml-no-adv", "ce") for seed in range(5)]
    for record in records:
        lines = [json.dumps(logs | {"step": step}) for step in range(10, 20_000, 10)]
        (record.folder / HISTORY).write_text("\n".join(lines))
    assert len(page(board_of_records(records))) < 200_000
