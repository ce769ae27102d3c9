"""Numbers that are none stop a run and spoil nothing; the same seed gives the same bits."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fecbench import Config, Objective, Player, Update
from fecbench.core.files import read_tensors
from fecbench.core.registry import objectives
from fecbench.data.datasets.locations import DataLocations
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan
from fecbench.runs.record import Record

METHODS = [
    name for name in objectives if objectives.origin(name).distribution == "fecbench" and objectives.get(name).trains
]


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
            own * float("inf") if bad and way == "loss" else own,
            logs={"part": float("nan") if bad and way == "log" else own.detach()},
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
    "gradient": (
        r"epoch 2, batch 3 found model_loss [\d.]+, part [\d.]+, opponent_loss nan|"
        r"epoch 2, batch 4 found model_loss nan"
    ),
    "player": r"epoch 2, batch \d found .*opponent_loss (inf|-inf|nan)",
    "square": (
        r"after epoch 2 opponent/objective\.opponent\.weight/exp_avg_sq.* and 1 more aren't|after epoch 2 opponent/"
    ),
    "stage": r"after after_training objective\.correction isn't",
}


@pytest.mark.parametrize("way", FOUND)
def test_a_number_that_is_none_stops_the_run_and_spoils_nothing(fecbench, registered, toy, tmp_path, way):
    folder, name = tmp_path / "run", registered("breaking", Breaking)
    command = (
        "run",
        name,
        "--dataset",
        toy,
        "--encoder",
        "tiny-bert",
        "--epochs",
        3,
        "--batch-size",
        16,
        "--run-dir",
        folder,
    )
    code, _, err = fecbench(*command, "--way", way)
    assert code == 1
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"fecbench: objective {name} (this process): every ")
    assert re.search(FOUND[way], last), last
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
        assert "try a lower --lr, --clip 1 or --precision float32 in a new run, since --resume would repeat it" in last
        assert "(the weights of epoch 1 are kept)" in last
    assert fecbench(*command, "--way", way, "--resume")[2].strip().splitlines()[-1] == last
    code, _, err = fecbench(*command, "--way", way, "--resume", "--lr", "1e-6")
    assert code == 1
    assert "must be resumed with the settings, data and code of its start, but its lr was" in err


def test_where_nothing_is_kept_nothing_is_promised(fecbench, toy, tmp_path):
    command = (
        "run",
        "ce",
        "--dataset",
        toy,
        "--encoder",
        "tiny-bert",
        "--epochs",
        2,
        "--lr",
        "1e30",
        "--run-dir",
        tmp_path / "run",
    )
    code, _, err = fecbench(*command, "--batch-size", 16)
    assert code == 1
    assert "(there are no weights to keep yet)" in err
    assert not list((tmp_path / "run").glob("*.safetensors"))


SAME = """
import hashlib, json, sys
from pathlib import Path
import torch
from fecbench.core.files import read_tensors
from fecbench import Places
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan

data, home, threads, *methods = sys.argv[1:]
torch.set_num_threads(int(threads))

def bits(name, number):
    settings = {"dataset": data, "encoder": "scratch", "epochs": 2, "batch_size": 30, "device": "cpu"}
    record = run(plan(name, settings), RunContext(Places(), Path(home) / f"{number}-{name}"))
    found = {"history": (record.folder / "history.jsonl").read_text()}
    for file in ("best", "predictions"):
        sha = hashlib.sha256()
        for key, tensor in sorted(read_tensors(record.folder / f"{file}.safetensors")[0].items()):
            sha.update(key.encode() + tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        found[file] = sha.hexdigest()
    assert record.about["threads"] == int(threads)
    return [name, found | {"metrics": record.result["metrics"], "confusion_matrix": record.result["confusion_matrix"]}]

print(json.dumps([bits(name, number) for number, name in enumerate(methods)]))
"""


def same(toy: Path, home: Path, threads: int, methods: list[str], seed_of_hashes: int) -> subprocess.Popen:
    """A process that runs ``methods`` one after the other and prints what came out."""
    waiting = {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)}
    environment = {
        **os.environ,
        **waiting,
        "PYTHONHASHSEED": str(seed_of_hashes),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    command = [sys.executable, "-c", SAME, str(toy), str(home), str(threads), *methods]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def came_out(process: subprocess.Popen) -> list:
    out, err = process.communicate()
    assert not process.returncode, err
    return json.loads(out)


def test_the_same_seed_gives_the_same_bits_in_another_process(toy, tmp_path):
    """Every method, in processes with other hash seeds, order of methods, and token caches."""
    started = [same(toy, tmp_path / str(number), 1, METHODS[:: 1 - 2 * number], number + 1) for number in (0, 1)]
    first, second = (dict(came_out(process)) for process in started)
    assert set(first) == set(METHODS) >= {"ce", "supcon", "lcl", "aml", "aml-no-adv", "aml-threshold"}
    assert first == second


def test_the_same_seed_gives_the_same_bits_in_one_process_on_two_threads(toy, tmp_path):
    """The second time after other runs, and with tokens from the cache."""
    methods = ["ce", "supcon", "lcl", "aml", "aml-threshold"]
    found = came_out(same(toy, tmp_path, 2, methods * 2, 0))
    assert found[: len(methods)] == found[len(methods) :]


def test_every_method_is_moved_by_its_seed(toy, tmp_path):
    """Else equal bits would tell nothing."""
    for name in METHODS:
        found = []
        for seed in (0, 1):
            chosen = plan(
                name,
                {
                    "dataset": str(toy),
                    "encoder": "tiny-bert",
                    "epochs": 1,
                    "batch_size": 30,
                    "device": "cpu",
                    "seed": seed,
                },
            )
            record = run(chosen, RunContext(DataLocations(), tmp_path / f"{name}-{seed}"))
            found.append((record.folder / "history.jsonl").read_text())
        assert found[0] != found[1], name
