"""Run records cut, edited or swapped: no command takes one for what it isn't, and none is made worse."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fecbench.core.files import read_tensors, write_tensors
from tests.support.damages import DAMAGES
from tests.support.judge import Shelf
from tests.support.records import unseal
from tests.support.toy_data import write_toy
from tests.support.train import train

FILES = (
    "run.json",
    "result.json",
    "history.jsonl",
    "predictions.safetensors",
    "best.safetensors",
    "encoder/config.json",
)
FILES += ("encoder/tokenizer.json", "encoder/tokenizer_config.json")
OTHERS = ("other-data", "other-objective", "other-seed", "other-size")
READERS = {
    "runs": ["runs", "--json"],
    "leaderboard": ["leaderboard", "--json"],
    "predict": ["predict", "runs/mine", "what a lovely day", "--json"],
    "dynamics": ["plot", "dynamics", "runs/mine", "--out", "picture.svg"],
    "cases": ["cases", "runs/mine", "runs/second", "--format", "json"],
}
MATTERS = {
    "run.json": READERS,
    "result.json": READERS,
    "history.jsonl": ("dynamics", "leaderboard"),
    "predictions.safetensors": ("cases", "leaderboard"),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Shelf:
    """One run, and others that could lend it a file: of other data, objective, seed and width."""
    home = tmp_path_factory.mktemp("shelf")
    data, other = write_toy(home / "moods"), write_toy(home / "others", "again ")
    train("ce", data, home / "mine")
    train("ce", data, home / "second", label_smoothing=0.1)
    train("ce", other, home / "other-data")
    train("supcon", data, home / "other-objective")
    train("ce", data, home / "other-seed", seed=1)
    train("ce", data, home / "other-size", head="mlp")
    return Shelf(home)


@pytest.fixture
def runs(judge, shelf) -> Path:
    """A folder ``runs`` with the run ``mine``, to be spoiled, and ``second``, which is whole."""
    for name in ("mine", "second"):
        shelf.take(name, judge.folder / "runs" / name)
    return judge.folder / "runs"


@pytest.fixture(scope="module")
def truths() -> dict[str, Any]:
    """Answers of commands on the whole record, by command."""
    return {}


def truth(name: str, judge, shelf, truths) -> Any:
    """Return the answer of a command on the whole record."""
    if name not in truths:
        for run in ("mine", "second"):
            shutil.copytree(shelf.folder / run, judge.folder / "runs" / run, dirs_exist_ok=True)
        answer = judge(*READERS[name])
        assert answer.code == 0, answer.text
        truths[name] = content(name, judge.folder, answer)
        shutil.rmtree(judge.folder / "runs")
    return truths[name]


def content(name: str, folder: Path, answer) -> Any:
    """Return the part of an answer that counts: figures, predictions, a picture's curves."""
    if name == "dynamics":
        picture = (folder / "picture.svg").read_text()
        (folder / "picture.svg").unlink()
        return [line for line in picture.splitlines() if line.startswith(("M ", "L "))]
    found = json.loads(answer.out)
    if name == "runs":
        return {row["id"]: [row["status"], row["seed"], row["objective"], row["accuracy"]] for row in found}
    if name == "leaderboard":
        cells = [cell for table in found["tables"] for row in table["rows"] for cell in row["cells"]]
        return [{name: score["seeds"] for name, score in cell["scores"].items()} for cell in cells]
    return found


def never_believed(name: str, judge, shelf, truths) -> None:
    """A command on the spoiled record refuses it, leaves it out in words, or says what it said of the whole one."""
    spoiled = judge.folder / "runs"
    spoiled.rename(judge.folder / "kept")
    expected = truth(name, judge, shelf, truths)
    (judge.folder / "kept").rename(spoiled)
    answer = judge(*READERS[name])
    if answer.code:
        assert any(word in answer.err for word in ("mine", "run.json")), answer.text
        assert ";" in answer.err or "Known" in answer.err, answer.text
        return
    found = content(name, judge.folder, answer)
    if found == expected:
        return
    if name == "runs":
        assert found["second"] == expected["second"]
        assert "mine" not in found or "broken" in found["mine"][0] or found["mine"][0] != "complete", answer.text
    elif name == "leaderboard":
        assert (
            "mine" in answer.text
            or not Path("runs/mine/result.json").is_file()
            or not Path("runs/mine/run.json").is_file()
        ), answer.text
        assert all(scores in expected for scores in found), answer.text
    else:
        pytest.fail(f"{name} took the spoiled record for a whole one: {answer.text}")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file(judge, runs, shelf, truths, file, damage):
    damage(runs / "mine" / file)
    for name in MATTERS.get(file, ("predict",)):
        never_believed(name, judge, shelf, truths)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("other", OTHERS)
def test_a_file_of_another_run(judge, runs, shelf, truths, file, other):
    shutil.copyfile(shelf.folder / other / file, runs / "mine" / file)
    for name in MATTERS.get(file, ("predict",)):
        never_believed(name, judge, shelf, truths)


def edited(path: Path, keys: tuple[str, ...], value: Any) -> None:
    """Another value, or none, at a place in a JSON file."""
    whole = at = json.loads(path.read_text())
    for key in keys[:-1]:
        at = at[key]
    if value is GONE:
        del at[keys[-1]]
    else:
        at[keys[-1]] = value
    path.write_text(json.dumps(whole))


GONE = object()
ODD = {
    "gone": GONE,
    "null": None,
    "text": "no",
    "a list": [],
    "an object": {},
    "NaN": float("nan"),
    "huge": 10**400,
    "negative": -7,
}
PLACES = {
    "run.json": [
        ("format",),
        ("objective",),
        ("objective", "name"),
        ("dataset",),
        ("dataset", "name"),
        ("dataset", "fingerprint"),
        ("dataset", "labels"),
        ("dataset", "label_texts"),
        ("settings",),
        ("settings", "seed"),
        ("settings", "seed", "value"),
        ("settings", "lr", "value"),
        ("settings", "dataset", "value"),
        ("settings", "encoder", "value"),
        ("settings", "head", "value"),
        ("settings", "batch_size"),
        ("code",),
        ("max_length",),
    ],
    "result.json": [
        ("metrics",),
        ("metrics", "test"),
        ("metrics", "test", "accuracy"),
        ("metrics", "validation", "weighted_f1"),
        ("per_class",),
        ("per_class", "sad", "support"),
        ("confusion_matrix",),
        ("best_epoch",),
        ("seal",),
    ],
}


@pytest.mark.parametrize(
    ("file", "keys"),
    [(file, keys) for file in PLACES for keys in PLACES[file]],
    ids=lambda part: part if isinstance(part, str) else ".".join(part),
)
def test_an_edited_value(judge, runs, shelf, truths, file, keys):
    path = runs / "mine" / file
    whole = path.read_text()
    for odd in ("gone", "text", "NaN", "an object"):
        path.write_text(whole)
        edited(path, keys, ODD[odd])
        for name in ("runs", "leaderboard", "predict") if keys != ("seal",) else ("runs",):
            never_believed(name, judge, shelf, truths)


TOLD = {  # what only readers are told, and what of it no seal of an older fecbench holds
    "run.json": [
        ("notes",),
        ("versions",),
        ("precision",),
        ("encoder",),
        ("encoder", "revision"),
        ("dataset", "rows"),
        ("dataset", "title"),
    ],
    "result.json": [("epochs",), ("best_epoch",)],
}


@pytest.mark.parametrize("file", TOLD)
def test_one_odd_record_keeps_no_board_from_the_others(judge, runs, file):
    unseal(runs / "mine")
    path = runs / "mine" / file
    whole = path.read_text()
    for keys in TOLD[file]:
        path.write_text(whole)
        edited(path, keys, [{"a": 1}])
        answer = judge("leaderboard", "--format", "html")
        assert answer.code == 0, (keys, answer.text)
        assert "broken: mine" in answer.text


def test_a_complete_run_of_an_older_make_is_shown_again(judge, runs, shelf):
    unseal(runs / "mine")
    edited(runs / "mine" / "run.json", ("dataset", "title"), GONE)
    edited(runs / "mine" / "result.json", ("best_epoch",), GONE)
    flags = ["--encoder", "scratch", "--epochs", 2, "--batch-size", 16]
    answer = judge("run", "ce", "--dataset", shelf.folder / "moods", *flags, "--run-dir", "runs/mine", "--resume")
    assert answer.code == 0, answer.text


HISTORIES = {
    "nested deeply": "[" * 100_000,
    "a score that is text": '{"event": "evaluation", "epoch": 1, "metrics": {"accuracy": "high"}}',
}


@pytest.mark.parametrize("line", HISTORIES.values(), ids=HISTORIES)
def test_a_line_of_another_make_is_left_out_of_a_history(judge, runs, line):
    unseal(runs / "mine")
    with (runs / "mine" / "history.jsonl").open("a") as file:
        file.write(line + "\n")
    for command in (
        ["leaderboard", "--format", "html", "-o", "page.html"],
        ["plot", "dynamics", "runs/mine", "--out", "picture.svg"],
    ):
        answer = judge(*command)
        assert answer.code == 0, answer.text
        (judge.folder / command[-1]).unlink()


PLAUSIBLE = {
    "a better accuracy": ("result.json", ("metrics", "test", "accuracy"), 0.99),
    "an accuracy above one": ("result.json", ("metrics", "test", "accuracy"), 1.5),
    "a negative accuracy": ("result.json", ("metrics", "test", "accuracy"), -0.5),
    "another validation accuracy": ("result.json", ("metrics", "validation", "accuracy"), 0.99),
    "a metric that wasn't measured": ("result.json", ("metrics", "test", "best"), 1.0),
    "another support": ("result.json", ("per_class", "sad", "support"), 400.0),
    "another seed": ("run.json", ("settings", "seed", "value"), 5),
    "another rate": ("run.json", ("settings", "lr", "value"), 0.5),
    "another method": ("run.json", ("objective", "name"), "supcon"),
    "another method that nobody has": ("run.json", ("objective", "name"), "mine"),
    "other rows": ("run.json", ("dataset", "fingerprint"), "f" * 64),
    "labels in another order": ("run.json", ("dataset", "labels"), ["sad", "mad", "glad"]),
    "other labels": ("run.json", ("dataset", "labels"), ["a", "b", "c"]),
    "a label too few": ("run.json", ("dataset", "labels"), ["glad", "mad"]),
    "a label twice": ("run.json", ("dataset", "labels"), ["glad", "glad", "sad"]),
    "other code": ("run.json", ("code",), "f" * 64),
    "a format of the future": ("run.json", ("format",), 2),
    "a format that is text": ("run.json", ("format",), "1"),
    "a limit removed": ("run.json", ("settings", "limit", "value"), 3),
    "an unknown setting": ("run.json", ("settings", "magic"), {"value": 3, "origin": "flag"}),
}


@pytest.mark.parametrize(("file", "keys", "value"), PLAUSIBLE.values(), ids=PLAUSIBLE)
def test_a_plausible_edit(judge, runs, shelf, truths, file, keys, value):
    edited(runs / "mine" / file, keys, value)
    for name in ("leaderboard", "predict", "cases"):
        never_believed(name, judge, shelf, truths)


PREDICTIONS: dict[str, Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]] = {
    "rows in another order": lambda t: {name: tensor.flip(0) for name, tensor in t.items()},
    "negative rows": lambda t: t | {"row": -t["row"]},
    "a row twice": lambda t: t | {"row": t["row"].clamp(min=1)},
    "a row too few": lambda t: {name: tensor[:-1] for name, tensor in t.items()},
    "a row too many": lambda t: {name: torch.cat([tensor, tensor[:1]]) for name, tensor in t.items()},
    "no rows": lambda t: {name: tensor[:0] for name, tensor in t.items()},
    "logits of a label too few": lambda t: t | {"logits": t["logits"][:, 1:].contiguous()},
    "logits of a label too many": lambda t: t | {"logits": t["logits"].repeat(1, 2)},
    "logits turned": lambda t: t | {"logits": t["logits"].T.contiguous()},
    "logits of no labels": lambda t: t | {"logits": t["logits"][:, 0].contiguous()},
    "logits that are NaN": lambda t: t | {"logits": t["logits"] * float("nan")},
    "logits that are infinite": lambda t: t | {"logits": t["logits"] / 0},
    "no logits": lambda t: {name: tensor for name, tensor in t.items() if name != "logits"},
    "no predicted labels": lambda t: {name: tensor for name, tensor in t.items() if name != "predicted"},
    "nothing": lambda t: {},
    "a number alone": lambda t: {"logits": torch.tensor(1.0)},
    "labels beyond": lambda t: t | {"predicted": t["predicted"] + 3},
    "negative labels": lambda t: t | {"predicted": t["predicted"] - 3},
    "labels that are floats": lambda t: t | {"predicted": t["predicted"] + 0.5},
    "all said to be right": lambda t: t | {"correct": torch.ones_like(t["correct"])},
    "right as numbers": lambda t: t | {"correct": t["correct"].long() * 7},
}


@pytest.mark.parametrize("change", PREDICTIONS.values(), ids=PREDICTIONS)
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "older"])
def test_odd_predictions(judge, runs, shelf, truths, change, sealed):
    path = runs / "mine" / "predictions.safetensors"
    tensors, about = read_tensors(path)
    write_tensors(path, change(tensors), about)
    if not sealed:
        unseal(runs / "mine")
    unread = not sealed and not {"logits", "row"}.intersection(
        name for name in tensors if changed(name, tensors, change(tensors))
    )
    for name in ("leaderboard",) if unread else ("leaderboard", "cases"):
        never_believed(name, judge, shelf, truths)


def changed(name: str, before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> bool:
    return name not in after or not torch.equal(before[name], after[name])


def test_every_command_on_nothing_but_ruins(judge, shelf):
    """A folder in which every record is broken in another way."""
    for number, damage in enumerate(DAMAGES.values()):
        for file in ("run.json", "result.json"):
            folder = shelf.take("mine", judge.folder / "runs" / f"ruin-{number}-{file}")
            damage(folder / file)
    for command in (
        ["runs"],
        ["leaderboard"],
        ["leaderboard", "--format", "html", "-o", "board.html"],
        ["leaderboard", "--format", "latex"],
        ["plot", "sensitivity"],
        ["predict", "ce", "text"],
        ["cases", "ce", "supcon"],
        ["export", "ce", "out"],
        ["certify", "ce"],
    ):
        answer = judge(*command)
        assert answer.code in (0, 1, 2)
    assert not (judge.folder / "out").exists()
