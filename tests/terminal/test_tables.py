"""Tables on terminals of any width, and in files."""

import pytest

from fecbench.terminal import output
from fecbench.terminal.output import print_table

RUN = "20261201-042520-ce-demo-scratch-s0"
TITLE = "a title of several words"


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    monkeypatch.setenv("TERM", "xterm")  # else it takes 80 columns

    def of(columns):
        monkeypatch.setenv("COLUMNS", str(columns))

    return of


@pytest.mark.parametrize("columns", [10, 50, 80])
def test_a_narrow_terminal_breaks_no_word(terminal, capsys, columns):
    terminal(columns)
    print_table(["run", "weighted_f1", "title"], [[RUN, "16.67", TITLE], ["b", 3.25, "c"]])
    out = capsys.readouterr().out
    assert all(word in out for word in [RUN, "weighted_f1", "16.67", "3.25", *TITLE.split()])


def test_a_narrow_terminal_breaks_lines_between_words(terminal, capsys):
    terminal(50)
    print_table(["run", "title"], [[RUN, TITLE]])
    assert TITLE not in capsys.readouterr().out


def test_a_file_has_each_row_on_one_line(capsys):
    long = "word " * output.WIDE
    print_table(["run", "title"], [[RUN, long]])
    assert len(capsys.readouterr().out.splitlines()) == 2
