"""The texts of a figure: all of them within it, none over another."""

from collections.abc import Iterator
from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOUCH = 1.0  # pixels that two boxes may share


def check_texts(figure: Figure) -> None:
    """Fail if a text of the figure reaches past its edge or over another text."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown_texts(figure)]
    cut = [text for text, box in boxes if not _within(box, figure.bbox)]
    assert not cut, f"cut at the edge: {cut}"
    covered = [(one[0], other[0]) for one, other in combinations(boxes, 2) if _overlap(one[1], other[1])]
    assert not covered, f"over each other: {covered}"


def shown_texts(figure: Figure) -> Iterator[Text]:
    """Yield the texts that are drawn: matplotlib also holds ticks beyond the limits of an axis."""
    hidden = {id(label) for axis in figure.findobj(Axis) for label in _labels_out_of_view(axis)}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden:
            yield text


def _labels_out_of_view(axis: Axis) -> Iterator[Text]:
    low, high = sorted(axis.get_view_interval())
    for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
        if not low <= tick.get_loc() <= high:
            yield from (tick.label1, tick.label2)


def _within(box: Bbox, whole: Bbox) -> bool:
    return (
        box.x0 >= whole.x0 - TOUCH
        and box.y0 >= whole.y0 - TOUCH
        and box.x1 <= whole.x1 + TOUCH
        and box.y1 <= whole.y1 + TOUCH
    )


def _overlap(one: Bbox, other: Bbox) -> bool:
    shared = Bbox.intersection(one, other)
    return shared is not None and shared.width > TOUCH and shared.height > TOUCH
