"""Panels of a sensitivity plot: what varies together, around which base, and what is left out."""

from fecbench.results.plots.panels import Configuration, base_of, panels
from tests.support.records import PAPER


def configuration(*scores: float, **settings: object) -> Configuration:
    return Configuration({**PAPER, **settings}, dict(enumerate(scores or (0.5,))))


def drawn(found) -> dict[str, dict[str, list[tuple]]]:
    """Values by panel and data set."""
    return {
        panel.name: {name: [point.values for point in points] for name, points in panel.lines.items()}
        for panel in found
    }


def test_the_papers_figure_5_has_a_panel_for_k_and_one_for_lambda():
    sweep = [configuration(k_pos=k, k_neg=k) for k in (20, 5, 10)] + [
        configuration(weight=weight) for weight in (2.0, 0.5)
    ]
    found, notes = panels({"ed": sweep})
    assert drawn(found) == {
        "k_pos = k_neg": {"ed": [(5, 5), (10, 10), (20, 20)]},
        "weight": {"ed": [(0.5,), (1.0,), (2.0,)]},
    }
    assert [[point.base for point in panel.lines["ed"]] for panel in found] == [[False, True, False]] * 2
    assert all(panel.numeric for panel in found)
    assert notes == ()


def test_the_base_differs_least_from_the_others_and_of_equals_has_most_seeds():
    sweep = [configuration(weight=2.0), configuration(0.1, 0.2, weight=0.5)]
    assert base_of(sweep).settings["weight"] == 0.5
    grid = [configuration(k_pos=k, weight=weight) for k, weight in ((5, 1.0), (20, 1.0), (10, 1.0), (10, 2.0))]
    assert base_of(grid).settings == PAPER


def test_of_a_grid_only_the_axes_through_the_base_are_drawn_and_the_rest_is_said():
    grid = [configuration(k_pos=k, weight=weight) for k in (5, 10) for weight in (1.0, 2.0, 3.0)]
    found, notes = panels({"ed": grid})
    assert drawn(found) == {"k_pos": {"ed": [(5,), (10,)]}, "weight": {"ed": [(1.0,), (2.0,), (3.0,)]}}
    assert notes == (
        "ed: configurations left out because they differ from the base in the settings of several panels: 2",
    )


def test_words_none_and_settings_of_unequal_values_are_categories():
    sweep = [configuration(strategy=s, limit=None) for s in ("topk", "uniform")] + [
        configuration(strategy="topk", limit=100)
    ]
    sweep += [configuration(strategy="topk", limit=None, k_pos=5, k_neg=7)]
    found, _ = panels({"ed": sweep})
    assert drawn(found) == {
        "k_pos, k_neg": {"ed": [(5, 7), (10, 10)]},
        "limit": {"ed": [(100,), (None,)]},
        "strategy": {"ed": [("topk",), ("uniform",)]},
    }
    assert not any(panel.numeric for panel in found)
    assert [point.text for point in found[0].lines["ed"]] == ["5\n7", "10"]
    assert [point.text for point in found[1].lines["ed"]] == ["100", "none"]


def test_each_data_set_has_its_own_base_and_line():
    ed = [configuration(k_pos=k, k_neg=k) for k in (5, 10)]
    ge = [configuration(k_pos=k, k_neg=k, lr=0.1) for k in (20, 40)]
    found, notes = panels({"ed": ed, "ge": ge, "demo": [configuration()]})
    assert drawn(found) == {"k_pos = k_neg": {"ed": [(5, 5), (10, 10)], "ge": [(20, 20), (40, 40)]}}
    assert notes == ("demo: left out because nothing varies among its runs",)
