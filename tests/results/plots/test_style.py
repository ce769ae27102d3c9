"""The style of all figures: its colours, its widths, and files that are the same when drawn again."""

import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fecbench.results.plots.legend import add_legend_below
from fecbench.results.plots.marks import COLOURS
from fecbench.results.plots.saving import save
from fecbench.results.plots.style import COLUMN, figure_style
from fecbench.results.plots.titles import add_caption, add_title, wrapped


def test_lines_have_the_colours_of_the_marks():
    with figure_style():
        cycle = [style["color"] for style in rcParams["axes.prop_cycle"]]
    assert [f"#{colour.lstrip('#')}".upper() for colour in cycle] == [colour.upper() for colour in COLOURS]


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
def test_a_figure_drawn_again_is_the_same_file(tmp_path, ending):
    def draw(name):
        figure = Figure(figsize=(2, 2))
        axes = figure.subplots()
        axes.plot([1, 2], [3, 4])
        axes.set_title("loss")
        return save(figure, tmp_path / f"{name}.{ending}").read_bytes()

    with figure_style():
        assert draw("one") == draw("other")


def test_a_vector_figure_keeps_its_letters(tmp_path):
    with figure_style():
        figure = Figure(figsize=(2, 2))
        figure.subplots()
        add_title(figure, "aml on $demo$")
        save(figure, tmp_path / "f.svg")
    assert "aml on $demo$" in (tmp_path / "f.svg").read_text()


def test_titles_and_captions_fit_their_figure():
    figure = Figure(figsize=(COLUMN, 2))
    words = "a title that is a good deal longer than the column of a paper in which it is to be printed"
    add_title(figure, words)
    add_caption(figure, words)
    figure.draw_without_rendering()
    for text in (figure._suptitle, figure._supxlabel):
        assert " ".join(text.get_text().split()) == words
        assert text.get_window_extent().width <= figure.bbox.width


def test_a_broken_line_leaves_no_word_alone():
    lines = wrapped("ge: UMAP of 800 of 2,984 test rows, sampled with seed 0", COLUMN).split("\n")
    assert len(lines) == 2
    assert min(map(len, lines)) > 20


def test_words_are_broken_only_where_they_must_be():
    assert wrapped("distilroberta-base", 0.85, 6) == "distilroberta-\nbase"
    assert wrapped("y" * 30, 1.0, 6).replace("\n", "") == "y" * 30


def test_lines_that_fit_are_left_alone():
    assert wrapped("two  spaces\nand a line", 3) == "two  spaces\nand a line"


@pytest.mark.parametrize("names", [["a", "b"], ["word " * 30, "x"], ["y" * 200], [f"label {n}" for n in range(40)]])
def test_a_legend_below_a_figure_is_not_cut(names):
    with figure_style():
        figure = Figure(figsize=(COLUMN, 2))
        axes = figure.subplots()
        add_legend_below(figure, [(name, Line2D([], [], marker="o")) for name in names])
        figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 < axes.bbox.y0
    assert axes.bbox.height > 72
