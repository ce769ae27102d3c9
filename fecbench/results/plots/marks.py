"""Colours and marker shapes that distinguish the groups of a figure."""

from typing import NamedTuple

# Okabe and Ito, Color Universal Design (2008): distinct for the common kinds of colour blindness. Its yellow, which is
# faint on white, is left out. fecbench.mplstyle has the same colours in the same order.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#3C3C3C")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST = len(COLOURS) * len(SHAPES)  # largest number of groups with different marks


class Mark(NamedTuple):
    """A group's colour and marker shape, in matplotlib's notation."""

    colour: str
    shape: str


def mark(index: int) -> Mark:
    """Return the mark of the group with this number.

    Neighbours differ in colour and shape. The first ``MOST`` all differ, because the numbers of colours and shapes have
    no common divisor.

    >>> mark(0), mark(len(COLOURS))
    (Mark(colour='#0072B2', shape='o'), Mark(colour='#0072B2', shape='*'))
    """
    return Mark(COLOURS[index % len(COLOURS)], SHAPES[index % len(SHAPES)])
