"""Ctrl-C stops a run, even where a finaliser swallows the exception."""

import pytest


def test_a_wish_to_stop_that_a_finaliser_swallowed_is_heard_at_the_next_batches():
    from fecbench.terminal.interrupt import Stop

    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop.ask()
    for heard in (stop.run_started, stop.updates_logged):
        with pytest.raises(KeyboardInterrupt):
            heard()


def test_a_stop_before_the_training_promises_no_resumption(fecbench, here, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("fecbench.runs.experiment.load_dataset", stopped)
    code, _, err = fecbench("run", "ce", "--dataset", "demo")
    assert code == 1
    assert err.endswith("stopped before the training; give the same command to start again\n")
    assert not list(here.glob("runs/*"))
