"""Numbers that are none stop a run and spoil nothing; the same seed gives the same bits."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fecbench import Config, Objective, Player, Update
from fecbench.atomic import read_tensors
from fecbench.registry import objectives
from fecbench.runs import Record

METHODS = [name for name in objectives if objectives.origin(name).distribution == "fecbench"]


class Breaking(Objective):
    """Breaks in one way in the third batch of the second epoch."""

    class Config(Config):
        way: str = "loss"

    def __init__(self, config, task):
        super().__init__(config, task)
        self.opponent = nn.Linear(task.hidden, 1)
        self.correction = nn.Parameter(torch.ones(()))

    def players(self):
        return {"opponent": Player(self.opponent.parameters())}

    def updates(self, batch, model):
        bad, way = batch.key[1:] == (2, 2), self.config.way
        h = model.encode(batch)
        own = cross_entropy(model.classify(model.project(h)), batch.labels) + 0 * self.correction
        if bad and way == "gradient":
            own = own + (h - h.detach()).abs().sqrt().sum()  # 0, with an infinite slope
        yield Update(
            own * float("inf") if bad and way == "loss" else own, logs={"part": float("nan") if bad and way == "log" else own.detach()}
        )
        score = self.opponent(h.detach()).mean()
        if bad and way == "square":
            score = 1e30 * score  # finite, and so is its slope, but not the slope's square
        if bad and way == "player":
            self.opponent.weight.data[0, 0] = float("inf")
        yield Update(score, "opponent")

    def after_training(self, stage):
        if self.config.way == "stage":
            self.correction.data.fill_(float("nan"))


FOUND = {
    "loss": r"epoch 2, batch 3 found model_loss inf, part [\d.]+, opponent_loss",
    "log": r"epoch 2, batch 3 found model_loss [\d.]+, part nan",
    "gradient": r"epoch 2, batch 3 found model_loss [\d.]+, part [\d.]+, opponent_loss nan|epoch 2, batch 4 found model_loss nan",
    "player": r"epoch 2, batch \d found .*opponent_loss (inf|-inf|nan)",
    "square": r"after epoch 2 opponent/objective\.opponent\.weight/exp_avg_sq.* and 1 more aren't|after epoch 2 opponent/",
    "stage": r"after after_training objective\.correction isn't",
}


@pytest.mark.parametrize("way", FOUND)
def test_a_number_that_is_none_stops_the_run_and_spoils_nothing(fecbench, registered, toy, tmp_path, way):
    folder, name = tmp_path / "run", registered("breaking", Breaking)
    command = ("run", name, "--dataset", toy, "--encoder", "tiny-bert", "--epochs", 3, "--batch-size", 16, "--run-dir", folder)
    code, _, err = fecbench(*command, "--way", way)
    assert code == 1
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"fecbench: objective {name} (this process): every ")
    assert __import__("re").search(FOUND[way], last), last
    record, finished = Record(folder), 3 if way == "stage" else 1
    assert record.status == "failed"
    assert record.failure["message"].removeprefix("NumericalError: ") in last
    events = [event for event in record.history() if event["event"] == "evaluation"]
    assert [event["epoch"] for event in events] == list(range(1, finished + 1))
    assert "NaN" not in (folder / "history.jsonl").read_text()
    for file in ("best.safetensors", "last.safetensors"):
        tensors, about = read_tensors(folder / file)
        assert all(tensor.isfinite().all() for tensor in tensors.values())
        assert about["epoch"] <= finished
    if way != "stage":
        assert "try a lower --lr, --clip 1 or --precision float32 in a new run, since --resume would meet the same" in last
        assert "(the weights of epoch 1 are kept)" in last
    assert fecbench(*command, "--way", way, "--resume")[2].strip().splitlines()[-1] == last
    code, _, err = fecbench(*command, "--way", way, "--resume", "--lr", "1e-6")
    assert code == 1
    assert "can only be continued as it was begun, but its lr was" in err


def test_where_nothing_is_kept_nothing_is_promised(fecbench, toy, tmp_path):
    command = ("run", "ce", "--dataset", toy, "--encoder", "tiny-bert", "--epochs", 2, "--lr", "1e30", "--run-dir", tmp_path / "run")
    code, _, err = fecbench(*command, "--batch-size", 16)
    assert code == 1
    assert "(there are no weights to keep yet)" in err
    assert not list((tmp_path / "run").glob("*.safetensors"))


SAME = """
import hashlib, json, sys
from pathlib import Path
import torch
from fecbench.atomic import read_tensors
from fecbench.datasets.core import Places
from fecbench.experiment import Workplace, run
from fecbench.planning import plan

methods, home = sys.argv[1].split(","), Path(sys.argv[2])

def digest(name, threads, seed):
    torch.set_num_threads(threads)
    settings = {"dataset": "demo", "encoder": "scratch", "epochs": 2, "limit": 96, "batch_size": 32, "seed": seed, "device": "cpu"}
    record = run(plan(name, settings), Workplace(Places(), home / f"{name}-{threads}-{seed}"))
    found = {"history": hashlib.sha256((record.folder / "history.jsonl").read_bytes()).hexdigest()}
    for file in ("best", "predictions"):
        tensors, _ = read_tensors(record.folder / f"{file}.safetensors")
        sha = hashlib.sha256()
        for key in sorted(tensors):
            sha.update(key.encode() + tensors[key].contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        found[file] = sha.hexdigest()
    result = {key: value for key, value in record.result.items() if not key.endswith(("seconds", "per_second"))}
    return found | {"result": result}

print(json.dumps({name: {"1": digest(name, 1, 0), "2": digest(name, 2, 0), "other": digest(name, 1, 1)} for name in methods}))
"""


def test_the_same_seed_gives_the_same_bits(tmp_path):
    """Every method, with one thread and with two, in two processes that hash otherwise, run in another order and find other caches."""
    started = []
    for number, methods in enumerate((METHODS, METHODS[::-1])):
        home = tmp_path / str(number)
        environment = {**os.environ, "PYTHONHASHSEED": str(number + 1), "XDG_CACHE_HOME": str(home / "cache")}
        command = [sys.executable, "-c", SAME, ",".join(methods), str(home)]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    said = [process.communicate() for process in started]
    assert not any(process.returncode for process in started), said
    first, second = (json.loads(out) for out, _ in said)
    assert set(first) == set(METHODS) >= {"ce", "supcon", "lcl", "aml", "aml-no-adv", "aml-threshold"}
    assert first == second
    for name, found in first.items():
        for what in ("history", "best", "predictions"):
            assert found["other"][what] != found["1"][what], f"{name}: another seed gives the same {what}"
