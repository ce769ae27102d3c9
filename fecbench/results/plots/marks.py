"""How many groups are told apart in one picture: by colour and by shape, so that no two differ in hue alone."""

from typing import NamedTuple

# Okabe and Ito, Color Universal Design (2008), distinct under the common colour-blindnesses; without its yellow, which is faint on white.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#3C3C3C")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST = len(COLOURS) * len(SHAPES)


class Mark(NamedTuple):
    """A group's colour and shape, as matplotlib names them."""

    colour: str
    shape: str


def mark(index: int) -> Mark:
    """The mark of the group with this number; neighbours differ in colour, and the first ``MOST`` all differ.

    >>> mark(0), mark(len(COLOURS))
    (Mark(colour='#0072B2', shape='o'), Mark(colour='#0072B2', shape='s'))
    """
    return Mark(COLOURS[index % len(COLOURS)], SHAPES[index // len(COLOURS) % len(SHAPES)])
