"""Names beside the ends of lines: in their colours, apart from each other, within the panel."""

from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from fecbench.results.plots.direct_labels import apart, label_ends
from fecbench.results.plots.style import COLUMN, figure_style
from fecbench.results.plots.titles import add_caption, add_title
from tests.support.figure_texts import check_texts


@pytest.mark.parametrize("number", [1, 2, 3])
def test_names_of_lines_that_end_together_stand_apart_in_a_low_panel(number):
    with figure_style():
        figure = Figure(figsize=(COLUMN, 2.6))
        panels = []
        for axes in figure.subplots(2, sharex=True):
            lines = [(f"line {n}", axes.plot([1, 2], [n, 5 + n / 100])[0]) for n in range(number)]
            axes.set_title("a panel")
            panels.append((axes, lines))
        add_title(figure, "a title of several lines\nabove the panels\nwhich takes some of their height")
        add_caption(figure, "and a caption\nof two lines")
        label_ends(figure, panels)
        check_texts(figure)
    for axes, lines in panels:
        assert [text.get_text() for text in axes.texts] == [name for name, _ in lines]
        assert [text.get_color() for text in axes.texts] == [line.get_color() for _, line in lines]


@pytest.mark.parametrize("ends", [[0.97, 1.0, 0.99], [0.0, 0.01, 0.02], [0.9, 1.0, 0.5, 0.45]])
def test_names_stay_beside_their_panel(ends):
    heights = apart(ends, 0.15)
    assert min(heights) >= 0
    assert max(heights) <= 1
    in_order = sorted(range(len(ends)), key=ends.__getitem__)
    assert all(heights[after] - heights[before] >= 0.15 - 1e-9 for before, after in pairwise(in_order))


def test_names_that_have_no_room_are_centred():
    assert apart([0.1, 0.2, 0.3], 0.6) == pytest.approx([-0.1, 0.5, 1.1])
