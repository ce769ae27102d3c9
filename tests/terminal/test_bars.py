"""Bars are drawn on terminals and in notebooks, and nowhere else."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from fecbench.core.hooks import RunInfo
from fecbench.terminal import bar, output, run_progress, slow_progress, status_line, step_progress
from fecbench.terminal.bar import NoBar, NotebookBar, TerminalBar, new_bar
from fecbench.terminal.echo import echo


class Output:
    """Keeps what a cell's output showed."""

    shown: list[str]

    def __init__(self, html=""):
        Output.shown = [html]

    def show(self, html):
        Output.shown.append(html)


@pytest.fixture
def notebook(monkeypatch) -> Console:
    """A notebook's console; what bars show is in ``Output.shown``."""
    monkeypatch.setattr(bar, "NotebookOutput", Output)
    monkeypatch.setattr(bar, "INTERVAL", 0.0)
    Output.shown = []
    return Console(file=io.StringIO(), force_jupyter=True)


@pytest.fixture
def terminal() -> Console:
    """The console of a terminal."""
    return Console(file=io.StringIO(), force_terminal=True, force_interactive=True, force_jupyter=False, width=100)


def test_the_place_decides_on_the_bar(notebook, terminal):
    assert isinstance(new_bar(terminal), TerminalBar)
    assert isinstance(new_bar(notebook), NotebookBar)
    assert isinstance(new_bar(Console(file=io.StringIO(), force_jupyter=False)), NoBar)
    dumb = Console(file=io.StringIO(), force_terminal=True, force_interactive=False, force_jupyter=False)
    assert isinstance(new_bar(dumb), NoBar)


def test_a_notebook_shows_text_and_amounts_until_the_end(notebook):
    shown = new_bar(notebook)
    shown.update("<b>", 0, 4)
    assert Output.shown == []
    shown.start()
    shown.update("<b>", 1, 4)
    assert 'value="1" max="4"' in Output.shown[-1]
    assert "1/4 &lt;b&gt;" in Output.shown[-1]
    shown.stop()
    assert Output.shown[-1] == ""


def test_a_notebook_shows_the_time_left_from_the_second_update(notebook):
    shown = new_bar(notebook)
    shown.start()
    shown.update("a", 2, 4)
    assert "left" not in Output.shown[-1]
    shown.update("a", 3, 4)
    assert " left" in Output.shown[-1]


def test_an_equal_text_is_not_drawn_at_once(notebook, monkeypatch):
    monkeypatch.setattr(bar, "INTERVAL", float("inf"))
    shown = new_bar(notebook)
    shown.start()
    shown.update("first", 1, 9)
    before = len(Output.shown)
    shown.update("first", 2, 9)
    assert len(Output.shown) == before
    shown.update("second", 3, 9)
    assert "3/9 second" in Output.shown[-1]


def test_steps_are_shown_with_the_number_of_those_done(notebook, monkeypatch):
    monkeypatch.setattr(step_progress, "console", lambda **_: notebook)
    with step_progress.StepProgress(2) as progress:
        progress.begin("read")
        assert "0/2 read" in Output.shown[-1]
        progress.begin("measure")
        assert "1/2 measure" in Output.shown[-1]
    assert Output.shown[-1] == ""


def test_lines_between_steps_go_to_standard_output(terminal, monkeypatch, capsys):
    monkeypatch.setattr(step_progress, "console", lambda **_: terminal)
    with step_progress.StepProgress(1) as progress:
        progress.begin("check [b]losses[/b]")
        progress.echo("ok")
        print("beside it")
    assert capsys.readouterr().out == "ok\nbeside it\n"
    assert "check [b]losses[/b]" in terminal.file.getvalue()


def test_a_notebook_shows_a_slow_bar_only_if_the_work_is_long(notebook, monkeypatch):
    monkeypatch.setattr(slow_progress, "console", lambda **_: notebook)
    for long, is_shown in ((0.0, True), (60.0, False)):
        Output.shown = []
        monkeypatch.setattr(slow_progress, "LONG", long)
        with slow_progress.slow_progress("predicting", 10) as advance:
            advance(5)
        assert any("5/10 predicting" in html for html in Output.shown) is is_shown


def test_a_warning_stands_above_the_bar(terminal, monkeypatch, capsys):
    monkeypatch.setattr(step_progress, "console", lambda **_: terminal)
    with step_progress.StepProgress(1) as progress:
        progress.begin("reading")
        echo("careful", err=True)
    assert "careful\n" in terminal.file.getvalue()
    assert capsys.readouterr() == ("", "")
    echo("after it", err=True)
    assert capsys.readouterr().err == "after it\n"


@pytest.fixture
def run() -> RunInfo:
    """A run of two epochs of ten batches."""
    settings = {"encoder": "minilm", "head": "linear", "lr": 0.1, "batch_size": 2, "seed": 0}
    return RunInfo("r1", "runs/r1", "ce", "demo", settings, epochs=2, steps_per_epoch=10)


def test_a_notebook_shows_a_runs_batches_and_validation(notebook, monkeypatch, run):
    monkeypatch.setattr(run_progress, "console", lambda **_: notebook)
    observer = run_progress.RunProgress()
    observer.run_started(run)
    observer.updates_logged(run, 2, 5, {"model_loss": 0.5})
    assert "15/20 epoch 2/2 loss 0.500" in Output.shown[-1]
    observer.epoch_finished(run, 2, {"model_loss": 0.25})
    assert "20/20 epoch 2/2 validation" in Output.shown[-1]
    observer.evaluated(run, 2, "validation", {"accuracy": 0.5}, True)
    assert "20/20 epoch 2/2 done" in Output.shown[-1]
    observer.run_finished(run, {"epochs": 2, "best_epoch": 2, "seconds": 1.0})
    assert Output.shown[-1] == ""


def test_the_end_says_why_training_stopped_and_how_long_it_took(monkeypatch, run):
    screen = Console(file=io.StringIO(), highlight=False)
    monkeypatch.setattr(run_progress, "console", lambda **_: screen)
    run_progress.RunProgress().run_finished(replace(run, epochs=20), {"epochs": 11, "best_epoch": 7, "seconds": 600.0})
    said = screen.file.getvalue()
    assert "stopped early: no better epoch in 4; the best was 7 of 11\n" in said
    assert said.endswith("time: 10 min\n")


@pytest.mark.parametrize(("interactive", "rank", "said"), [(True, "0", "[b]\n"), (True, "1", ""), (False, "0", "")])
def test_preparations_are_told_to_one_who_watches(monkeypatch, interactive, rank, said):
    plain = {"markup": False, "highlight": False}
    screen = Console(file=io.StringIO(), force_terminal=interactive, force_interactive=interactive, **plain)
    monkeypatch.setattr(output, "console", lambda **_: screen)
    monkeypatch.setenv("RANK", rank)
    output.print_if_watched("[b]")
    assert screen.file.getvalue() == said


def test_a_notebook_shows_what_is_being_done_until_the_end(notebook, monkeypatch):
    monkeypatch.setattr(status_line, "console", lambda stderr: notebook)
    monkeypatch.setattr(status_line, "NotebookOutput", Output)
    monkeypatch.setattr(status_line, "INTERVAL", 0.0)
    with status_line.status_line() as report:
        assert Output.shown == []
        report("testing <b>")
        assert Output.shown[-1] == "testing &lt;b&gt;"
    assert Output.shown[-1] == ""
