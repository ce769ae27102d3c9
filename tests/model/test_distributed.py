"""Two processes over gloo train exactly as one does, uneven and empty shares included."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fecbench.core.files import read_tensors
from fecbench.runs.record import Record
from tests.support.toy_data import write_toy

pytestmark = pytest.mark.slow

METHODS = ["ce", "supcon", "lcl", "aml", "sacl", "tfd"]
WORKER = """
import sys, torch
from pathlib import Path
from fecbench import Places
from fecbench.model.encoders.scratch import Scratch
from fecbench.runs.experiment import RunContext, run
from fecbench.runs.plan import plan

def without_dropout(self, texts, make=Scratch.__call__):
    source = make(self, texts)
    source.config.hidden_dropout_prob = source.config.attention_probs_dropout_prob = 0.0
    return source

Scratch.__call__ = without_dropout
from fecbench.model import heads
heads.LinearHead.__init__.__defaults__ = (0.0,)
heads.MLPHead.__init__.__defaults__ = (128, 0.0)
import fecbench_lcl
fecbench_lcl.LCLHead.__init__.__defaults__ = (0.0,)
from fecbench.core.files import write_tensors
from fecbench.training.checkpoints import state_of
from fecbench.training.trainer import Trainer

def keep(trainer, best, save=Trainer._save):
    save(trainer, best)
    write_tensors(Path(f"{folder}-of-rank-{trainer.batches.rank}.safetensors"), state_of(trainer.modules))

Trainer._save = keep
leave, torch.distributed.destroy_process_group = torch.distributed.destroy_process_group, lambda: None
torch.set_num_threads(1)
data, home, *names = sys.argv[1:]
flags = {"dataset": data, "encoder": "scratch", "epochs": 2, "batch_size": 8, "device": "cpu", "lr": 1e-3}
for name in names:
    folder = Path(home) / name
    run(plan(name, flags), RunContext(Places(), folder))
if torch.distributed.is_initialized():
    leave()  # else its threads can abort a process that is done
"""


def started(*command: object, port: int = 0) -> None:
    """Run Python in one process, or in two that meet at ``port``."""
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)] if port else []
    done = subprocess.run(
        [sys.executable, *launch, *map(str, command)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    """The folders of every method's run on one rank and on two, with the changes that WORKER makes.

    61 training rows in batches of 8: the last batch has 5, so shares are uneven; splits take several batches.
    """
    home = tmp_path_factory.mktemp("ranks")
    toy, script = write_toy(home / "toy", per_label=(20, 4, 5)), home / "worker.py"
    with (toy / "train.csv").open("a") as file:
        file.write("one more lovely day,glad\n")
    script.write_text(WORKER)
    started(script, toy, home / "one", *METHODS)
    started(script, toy, home / "two", *METHODS, port=29600 + os.getpid() % 300)
    return home / "one", home / "two"


@pytest.mark.parametrize("name", METHODS)
def test_two_ranks_equal_one(name, trained):
    one, two = (folder / name for folder in trained)
    ours, theirs = (read_tensors(folder / "best.safetensors")[0] for folder in (one, two))
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        if key.endswith("attention.self.key.bias"):
            # Attention doesn't depend on it: its gradient is rounding alone, which Adam scales up to whole steps.
            continue
        torch.testing.assert_close(theirs[key], value, rtol=1e-3, atol=2e-5, msg=key)
    first, second = (read_tensors(two.with_name(f"{name}-of-rank-{rank}.safetensors"))[0] for rank in (0, 1))
    assert all(value.equal(second[key]) for key, value in first.items())  # the discriminator's too
    assert name != "aml" or any("discriminator" in key for key in first)
    losses = [
        [event["logs"] for event in Record(folder).history() if event["event"] == "epoch"] for folder in (one, two)
    ]
    for here, there in zip(*losses, strict=True):
        assert here == pytest.approx(there, rel=1e-3, abs=1e-4)
    assert json.loads((two / "run.json").read_text())["ranks"] == 2
    results = [json.loads((folder / "result.json").read_text())["metrics"] for folder in (one, two)]
    assert results[0] == results[1]


GATHER = """
import torch
from accelerate import PartialState
from fecbench.model.distributed import average_gradients, whole_batch

rank = PartialState(cpu=True).process_index
torch.manual_seed(0)
inputs, encoder, head = torch.randn(1, 4), torch.nn.Linear(4, 3), torch.nn.Linear(3, 1)
parameters = [*encoder.parameters(), *head.parameters()]

def loss(h):
    return (head(h) ** 2).sum() + h.pow(3).sum()

expected = torch.autograd.grad(loss(encoder(inputs)), parameters)
share = torch.arange(1)[rank::2]  # the second rank has no row
h = whole_batch(encoder(inputs), share, 1)
loss(h).backward(inputs=parameters)
average_gradients(parameters, 2)
for parameter, gradient in zip(parameters, expected):
    torch.testing.assert_close(parameter.grad, gradient)
untouched = torch.nn.Parameter(torch.ones(2))
average_gradients([*parameters, untouched], 2)
assert untouched.grad is None  # no decay and no momentum, as on one rank
torch.distributed.destroy_process_group()  # else its threads can abort a process that is done
"""


def test_a_rank_without_a_row_joins_every_collective(tmp_path):
    script = tmp_path / "gather.py"
    script.write_text(GATHER)
    started(script, port=29900 + os.getpid() % 90)


def test_ranks_work_together_without_being_told_the_device(toy, tmp_path):
    command = ["-m", "fecbench", "run", "ce", "--dataset", toy, "--encoder", "scratch", "--epochs", 1]
    started(*command, "--run-dir", tmp_path / "run", port=29950 + os.getpid() % 40)
    expected = 2 if not torch.accelerator.is_available() else torch.accelerator.device_count()
    assert Record(tmp_path / "run").about["ranks"] == min(2, expected)
