"""Checkpoints that a thread writes while training goes on: their content, order, errors and ends."""

import threading
from concurrent import futures

import pytest
import torch
from torch import nn

from fecbench.core.errors import RunError
from fecbench.core.files import read_tensors, write_tensors
from fecbench.core.hooks import hookimpl
from fecbench.runs import experiment
from fecbench.runs.record import Record
from fecbench.training import checkpoints as module
from fecbench.training import trainer
from fecbench.training.checkpoints import BEST, LAST, Checkpoints
from tests.support.interrupted import StopAfter, numbers, train_briefly
from tests.support.train import train


@pytest.fixture
def modules():
    torch.manual_seed(0)
    return {"model": nn.Linear(3, 2)}


@pytest.fixture
def gate(monkeypatch):
    """Files are written once somebody waits for them; ``gate.names`` are those that were written."""

    class Gate:
        def __init__(self):
            self.opened, self.names = threading.Event(), []

        def write(self, path, tensors, about):
            assert self.opened.wait(60)
            write_tensors(path, tensors, about)
            self.names.append(path.name)

        def wait(self, pending):
            self.opened.set()
            return futures.wait(pending)

        def interrupted(self, pending):
            self.opened.set()
            raise KeyboardInterrupt

    gate = Gate()
    monkeypatch.setattr(module, "write_tensors", gate.write)
    monkeypatch.setattr(module, "wait", gate.wait)
    yield gate
    gate.opened.set()


@pytest.fixture
def full(monkeypatch):
    """The disk is full when a file of this name is written."""

    def fill(name):
        def write(path, tensors, about):
            if path.name == name:
                raise RunError(f"{path} can't be written: no room")
            write_tensors(path, tensors, about)

        monkeypatch.setattr(module, "write_tensors", write)

    return fill


@pytest.fixture
def threaded(monkeypatch):
    """Runs on the CPU write their checkpoints in a thread, as on a GPU."""
    monkeypatch.setattr(
        experiment, "Checkpoints", lambda folder, run, background: Checkpoints(folder, run, background=True)
    )


def save(checkpoints, modules, epoch=1, is_best=True):
    checkpoints.save_epoch(modules, {"model/step": torch.full((), float(epoch))}, {"epoch": epoch}, is_best)


def test_the_thread_writes_what_was_there_when_it_was_saved(tmp_path, modules, gate):
    checkpoints, before = Checkpoints(tmp_path, background=True), modules["model"].weight.detach().clone()
    save(checkpoints, modules)
    nn.init.zeros_(modules["model"].weight)
    checkpoints.wait()
    assert gate.names == [LAST, BEST]
    for name in (BEST, LAST):
        assert torch.equal(read_tensors(tmp_path / name)[0]["model.weight"], before)


def test_both_ways_of_writing_make_the_same_files(tmp_path, modules):
    for name, background in (("thread", True), ("place", False)):
        (tmp_path / name).mkdir()
        checkpoints = Checkpoints(tmp_path / name, "run", background)
        save(checkpoints, modules, 1)
        save(checkpoints, modules, 2, is_best=False)
        checkpoints.wait()
    for name in (BEST, LAST):
        assert (tmp_path / "thread" / name).read_bytes() == (tmp_path / "place" / name).read_bytes()
    assert read_tensors(tmp_path / "thread" / BEST)[1]["epoch"] == 1
    assert read_tensors(tmp_path / "thread" / LAST)[1]["epoch"] == 2


def test_in_place_nothing_is_copied_and_nothing_pends(tmp_path, modules, monkeypatch):
    monkeypatch.setattr(module, "host_copies", lambda tensors: pytest.fail("a copy"))
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints, modules)
    assert read_tensors(tmp_path / LAST)[1]["epoch"] == 1
    checkpoints.save_best(modules, {"epoch": 1})


def test_copies_on_the_host_are_copies_whatever_the_device():
    tensors = {"weight": torch.ones(3), "turned": torch.arange(6.0).view(2, 3).T, "count": torch.tensor(3)}
    copies = module.host_copies(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(copies[name], tensor)
        assert copies[name].data_ptr() != tensor.data_ptr()


def test_a_save_waits_for_the_one_before(tmp_path, modules, gate):
    checkpoints = Checkpoints(tmp_path, background=True)
    save(checkpoints, modules, 1)
    assert gate.names == []
    save(checkpoints, modules, 2)
    assert gate.names[:2] == [LAST, BEST]
    checkpoints.wait()
    assert gate.names == [LAST, BEST] * 2


AFTERWARDS = {
    "wait": lambda checkpoints, modules: checkpoints.wait(),
    "the next epoch": save,
    "the best after training": lambda checkpoints, modules: checkpoints.save_best(modules, {"epoch": 1}),
    "loading the best": lambda checkpoints, modules: checkpoints.load_best(modules),
    "loading the last": lambda checkpoints, modules: checkpoints.load_last(modules),
    "dropping the last": lambda checkpoints, modules: checkpoints.drop_last(),
}


@pytest.mark.parametrize("then", AFTERWARDS.values(), ids=AFTERWARDS)
@pytest.mark.parametrize("name", [BEST, LAST])
def test_an_error_of_the_thread_is_raised_at_the_next_call_once(tmp_path, modules, full, name, then):
    full(name)
    checkpoints = Checkpoints(tmp_path, background=True)
    save(checkpoints, modules)
    with pytest.raises(RunError, match=f"{name} can't be written: no room"):
        then(checkpoints, modules)
    checkpoints.wait()


def test_ctrl_c_while_waiting_waits_all_the_same(tmp_path, modules, gate, monkeypatch):
    monkeypatch.setattr(module, "wait", gate.interrupted)
    checkpoints = Checkpoints(tmp_path, background=True)
    save(checkpoints, modules)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.wait()
    assert gate.names == [LAST, BEST]


class Watching:
    """Notes which files were written when an epoch counted as finished."""

    def __init__(self, names):
        self.names, self.seen = names, {}

    @hookimpl
    def epoch_finished(self, epoch):
        self.seen[epoch] = len(self.names)


def test_an_epoch_finishes_once_the_one_before_is_on_the_disk(toy, tmp_path, threaded, gate):
    watching = Watching(gate.names)
    train_briefly("ce", toy, tmp_path / "run", epochs=2, observers=[watching])
    assert watching.seen[1] == 0
    assert watching.seen[2] == 2
    assert gate.names[:2] == [LAST, BEST]


def test_a_run_that_was_killed_between_the_files_of_an_epoch_can_be_finished(toy, tmp_path, monkeypatch):
    """On a GPU a repeated epoch can score lower than at first."""
    written = []

    def killed(path, *content):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path.name)
        write_tensors(path, *content)

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "selection_score", lambda *_: 1.0)
        patched.setattr(module, "write_tensors", killed)
        with pytest.raises(KeyboardInterrupt):
            train("ce", toy, tmp_path / "run", epochs=3)
    monkeypatch.setattr(trainer, "selection_score", lambda *_: 0.5)
    resumed = train("ce", toy, tmp_path / "run", epochs=3, resume=True)
    assert (resumed.status, resumed.result["best_epoch"]) == ("complete", 2)


def test_the_best_is_completed_from_the_last_only_if_it_is_of_another_epoch(tmp_path, modules):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.complete_best(modules, 1)
    checkpoints.save_best(modules, {"epoch": 1, "after_training": True})
    checkpoints.complete_best(modules, 1)
    assert checkpoints.load_best(modules) == {"epoch": 1, "after_training": True}
    checkpoints.complete_best(modules, 2)
    assert checkpoints.load_best(modules) == {"epoch": 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ce", "aml"])
def test_a_resumed_run_with_a_thread_equals_an_unbroken_one_without(toy, tmp_path, monkeypatch, request, name):
    unbroken = train_briefly(name, toy, tmp_path / "unbroken")
    request.getfixturevalue("threaded")
    with pytest.raises(KeyboardInterrupt):
        train_briefly(name, toy, tmp_path / "broken", observers=[StopAfter(1)])
    assert read_tensors(tmp_path / "broken" / LAST)[1]["epoch"] == 1
    resumed = train_briefly(name, toy, tmp_path / "broken", resume=True)
    assert numbers(resumed) == numbers(unbroken)
    assert (resumed.folder / BEST).read_bytes() == (unbroken.folder / BEST).read_bytes()
    assert not (resumed.folder / LAST).exists()


def test_ctrl_c_in_training_leaves_the_last_finished_epoch(toy, tmp_path, threaded, gate):
    with pytest.raises(KeyboardInterrupt):
        train_briefly("ce", toy, tmp_path / "run", observers=[StopAfter(1)])
    assert gate.names == [LAST, BEST]
    assert Record(tmp_path / "run").status == "interrupted"


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_disk_that_is_full_in_the_thread_fails_the_run(toy, tmp_path, threaded, full, epochs):
    full(LAST)
    with pytest.raises(RunError, match="can't be written: no room"):
        train_briefly("ce", toy, tmp_path / "run", epochs=epochs)
    record = Record(tmp_path / "run")
    assert record.status == "failed"
    assert {event["epoch"] for event in record.history() if event["event"] == "epoch"} == {1}
