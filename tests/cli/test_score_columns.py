"""The scores that a run prints: those of its labelling, each in its unit."""

from fecbench.results.shown_metrics import BESIDE, MAIN
from fecbench.terminal.output import score_columns, score_text
from fecbench.training.metrics import MULTI_SHOWN


def test_texts_with_one_label_show_the_papers_metrics_first():
    assert score_columns({"zeal": 0.1, "macro_f1": 0.2, "accuracy": 0.3}) == ["accuracy", "macro_f1", "zeal"]


def test_texts_with_several_labels_show_the_main_ones_and_those_of_others():
    scores = dict.fromkeys([*MAIN["multi"], *BESIDE, "micro_f1:without=calm"], 0.5)
    assert score_columns(scores) == [*MULTI_SHOWN, "nll", "micro_f1:without=calm"]


def test_a_loss_is_printed_in_nats_and_a_fraction_in_percent():
    assert (score_text("nll", 2.7561), score_text("jaccard", 0.4831), score_text("brier", None)) == (
        "2.756",
        "48.31",
        "",
    )
