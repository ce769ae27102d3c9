"""Symbols of options: matplotlib's mathematics for letters with an index, anything else literally."""

import pytest
from matplotlib.figure import Figure

from fecbench.objective.check import get_objective
from fecbench.results.plots.symbols import typeset


@pytest.mark.parametrize("symbol", ["K", "λ", "T_D", "T_max", "a_b_c", "_", "$x", "x^2", r"\frac{", "p%", "10", ""])
def test_every_symbol_can_be_drawn(symbol):
    figure = Figure()
    figure.subplots().set_xlabel(f"{typeset(symbol)} (name)")
    figure.draw_without_rendering()


def test_the_symbols_of_aml_are_mathematics():
    assert all(typeset(symbol).startswith("$") for symbol in get_objective("aml").symbols.values())
