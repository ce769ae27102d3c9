"""``fecbench data stats``: what is printed for many classes, with an encoder, and under the flags of a run."""

import io
import json
import re

import click
import pytest
from rich.console import Console

from fecbench.cli.data_stats import stats
from fecbench.core.settings import RunSettings
from fecbench.runs.identity import ROW_SETTINGS
from fecbench.terminal import slow_progress


def write(folder, **splits):
    folder.mkdir()
    for split, rows in splits.items():
        lines = [f'"{text}",{label}' for text, label in rows]
        (folder / f"{split}.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def many(tmp_path):
    """150 classes, of 151 to 2 training rows."""
    rows = [(f"text {number} {place}", f"class {number:03}") for number in range(150) for place in range(151 - number)]
    held_out = [(f"{split} {number}", f"class {number:03}") for split in ("a",) for number in range(150)]
    return write(tmp_path / "many", train=rows, validation=held_out, test=held_out[:-1])


def lines_of_classes(out: str) -> list[str]:
    return [line for line in out.splitlines() if re.match(r"class \d{3} ", line)]


def test_many_classes_are_folded_and_all_are_shown_on_request(fecbench, many):
    code, out, err = fecbench("data", "stats", many)
    assert code == 0, err
    shown = lines_of_classes(out)
    assert len(shown) == 39
    assert [line.split()[2] for line in shown[:2]] == ["151", "150"]
    (others,) = [line for line in out.splitlines() if "--all-classes shows them" in line]
    assert others.startswith("111 others")
    rest = sum(151 - number for number in range(39, 150))
    assert f"{rest:,}" in others
    assert "without a row in test: class 149" in out
    code, out, _ = fecbench("data", "stats", many, "--all-classes")
    assert len(lines_of_classes(out)) == 150
    assert "others" not in out


def test_forty_classes_are_shown_at_once(fecbench, tmp_path):
    rows = [(f"text {number} {place}", f"class {number:03}") for number in range(40) for place in range(2)]
    data = write(tmp_path / "forty", train=rows, validation=rows, test=rows)
    out = fecbench("data", "stats", data)[1]
    assert (len(lines_of_classes(out)), "others" in out) == (40, False)


def test_the_majority_share_and_contradictions_are_printed(fecbench, tmp_path):
    train = [("so glad", "joy"), ("So GLAD", "anger"), ("yes", "joy"), ("no", "joy")]
    data = write(tmp_path / "own", train=train, validation=train[:2], test=train[1:3])
    code, out, err = fecbench("data", "stats", data)
    assert code == 0, err
    (majority,) = [line for line in out.splitlines() if re.match(r"own +joy ", line)]
    assert majority.split()[2:] == ["75.0", "50.0", "50.0"]
    assert "1 text in 5 rows; 1 within train, 1 within validation, 0 within test" in out
    assert "'so glad': anger 3, joy 2" in out


def test_lengths_in_tokens_are_printed_with_their_special_tokens(fecbench, toy):
    code, out, err = fecbench("data", "stats", toy, "--encoder", "scratch", "--max-length", 4)
    assert code == 0, err
    assert "Text lengths in tokens of scratch, with its 2 special tokens a text, before any cut" in out
    assert "texts cut at 4 tokens" in out
    (found,) = json.loads(fecbench("data", "stats", toy, "--encoder", "scratch", "--max-length", 4, "--json")[1])
    assert found["tokens"]["cut"] == {"train": 1.0, "validation": 1.0, "test": 1.0}
    assert set(found["tokens"]["unknown"]) == {"train", "validation", "test"}
    assert json.loads(fecbench("data", "stats", toy, "--json")[1])[0]["tokens"] is None


def test_an_encoder_that_is_missing_is_reported_before_anything_is_read(fecbench, toy):
    code, out, err = fecbench("data", "stats", toy, "--encoder", "./nowhere")
    assert (code, out) == (1, "")
    assert "the encoder ./nowhere doesn't exist" in err


def test_the_split_seed_is_that_of_a_run(fecbench, tmp_path):
    rows = [(f"text {number} {label}", label) for number in range(30) for label in ("joy", "anger")]
    data = write(tmp_path / "own", train=rows)
    prints = [json.loads(fecbench("data", "stats", data, "--split-seed", seed, "--json")[1])[0] for seed in (0, 0, 1)]
    assert prints[0]["cut"] == ["validation", "test"]
    assert [one["fingerprint"] == prints[0]["fingerprint"] for one in prints] == [True, True, False]
    assert "validation and test cut from train" in fecbench("data", "stats", data)[1]


def test_a_test_split_without_labels_is_measured_too(fecbench, tmp_path):
    train = [(f"text {number} {label}", label) for number in range(9) for label in ("joy", "anger")]
    data = write(tmp_path / "own", train=train, validation=train[:4], test=[("text 0 joy", ""), ("never seen", "")])
    code, out, err = fecbench("data", "stats", data, "--html", tmp_path / "own.html")
    assert code == 0, err
    assert "Rows of each class of own" in out
    (found,) = json.loads(fecbench("data", "stats", data, "--json")[1])
    assert found["rows"] == {"train": 18, "validation": 4, "test": 2}
    assert found["shared"]["train/test"] == 1
    assert set(found["majority"]["share"]) == set(found["classes"][0]["rows"]) == {"train", "validation"}
    assert "no labels" in (tmp_path / "own.html").read_text(encoding="utf-8")


def test_the_options_are_those_of_a_run_that_choose_its_rows():
    names = {option.name for option in stats.params if isinstance(option, click.Option)}
    shown = {"all_classes", "html", "as_json", "latex", "caption", "label"}
    assert names - shown - {"data_dir"} == {*ROW_SETTINGS, "encoder", "max_length"} - {"dataset"}
    for option in stats.params:
        if option.name in RunSettings.model_fields:
            assert option.help == RunSettings.model_fields[option.name].description


def test_a_page_is_written_beside_what_is_printed(fecbench, toy, tmp_path):
    page = tmp_path / "toy.html"
    code, out, err = fecbench("data", "stats", toy, "demo", "--html", page)
    assert code == 0, err
    assert f"written: {page}" in err
    assert "Exact duplicates" in out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "Data: toy, demo" in text
    code, _, err = fecbench("data", "stats", toy, "--html", tmp_path / "nowhere" / "toy.html")
    assert (code, "can't be written" in err) == (1, True)


@pytest.mark.parametrize(
    ("terminal", "long", "shown"), [(True, 0.0, True), (True, float("inf"), False), (False, 0.0, False)]
)
def test_the_bar_appears_only_if_the_work_is_long_and_somebody_is_looking(monkeypatch, terminal, long, shown):
    screen = io.StringIO()
    monkeypatch.setattr(slow_progress, "console", lambda **_: Console(file=screen, force_terminal=terminal))
    monkeypatch.setattr(slow_progress, "LONG", long)
    with slow_progress.slow_progress("measuring [b]toy[/b]", 10) as advance:
        advance(5)
    assert ("measuring [b]toy[/b]" in screen.getvalue()) is shown


def test_a_flag_that_would_change_nothing_is_refused(fecbench):
    code, _, err = fecbench("data", "stats", "demo", "--label-column", "Sentiment")
    assert (code, "--label-column reads a data set of your own, but demo is registered" in err) == (2, True)
