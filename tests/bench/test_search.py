"""Searches in specs: what they may say, which trials they propose, which settings they choose."""

import math
import sys
import textwrap

import pytest

from fecbench.bench.distribution import Distribution
from fecbench.bench.matrix import expand
from fecbench.bench.smoke import smoke
from fecbench.bench.spec import Spec, read_spec
from fecbench.core.errors import FecbenchError, UsageError

pytest.importorskip("optuna")

RATE = {"low": 1e-5, "high": 1e-1, "log": True}
HEAD = 'title = "t"\nobjectives = ["ce"]\ndatasets = ["demo"]\nseeds = [0]\n[search]\n'
START = HEAD + 'select = "validation"\ntrials = 5\nsampler = "random"\n'


def searched(*objectives: str, **given) -> Spec:
    search = {"select": "validation", "trials": 6, "sampler": "random", "settings": {"lr": RATE}, **given}
    names = list(objectives) or ["ce"]
    return Spec.model_validate(
        {"title": "t", "datasets": ["demo"], "seeds": [0, 1], "objectives": names, "search": search}
    )


def near_a_hundredth(planned) -> float:
    """Return a score that is highest at a learning rate of 0.01."""
    return 2 - abs(math.log10(planned.plan.settings.lr) + 2)


def rates(entry) -> list[float]:
    return [candidate["lr"] for candidate in entry.candidates]


def test_every_row_has_the_same_number_of_trials_of_its_own_settings():
    ce, aml = expand(searched("ce", "aml", objective={"aml": {"weight": {"low": 0.0, "high": 2.0}}})).entries
    assert len(ce.first()) == len(aml.first()) == 6
    assert all(set(candidate) == {"lr"} for candidate in ce.candidates)
    assert all(set(candidate) == {"lr", "weight"} for candidate in aml.candidates)
    assert all(0 <= candidate["weight"] <= 2 for candidate in aml.candidates)
    assert {planned.plan.settings.seed for planned in (*ce.first(), *aml.first())} == {0}
    assert rates(ce) == rates(aml)  # the random trials of equal distributions are equal


def test_a_setting_of_a_row_replaces_the_common_one():
    ce, aml = expand(searched("ce", "aml", objective={"aml": {"lr": {"low": 0.2, "high": 0.3}}})).entries
    assert max(rates(ce)) <= 0.1 < 0.2 <= min(rates(aml))


def test_numbers_have_few_digits_and_stay_in_their_range():
    (entry,) = expand(searched(trials=50)).entries
    assert all(float(f"{rate:.4g}") == rate and 1e-5 <= rate <= 1e-1 for rate in rates(entry))
    assert len(set(rates(entry))) == 50
    assert sum(rate < 1e-3 for rate in rates(entry)) == pytest.approx(25, abs=12)  # even on the log scale
    narrow = Distribution(low=0.123456, high=0.123457)
    assert 0.123456 <= narrow.rounded(0.1234564) <= 0.123457


def test_whole_numbers_and_steps_are_kept():
    spaces = {
        "batch_size": {"low": 16, "high": 64, "step": 16},
        "epochs": {"low": 1, "high": 9},
        "max_length": {"low": 8, "high": 256, "log": True},
        "warmup": {"low": 0.1, "high": 0.4, "step": 0.1},
        "pooling": ["first", "mean"],
    }
    (entry,) = expand(searched(trials=60, settings=spaces)).entries
    drawn = {name: {candidate[name] for candidate in entry.candidates} for name in spaces}
    assert drawn["batch_size"] == {16, 32, 48, 64}
    assert drawn["epochs"] == set(range(1, 10))
    assert all(type(value) is int and 8 <= value <= 256 for value in drawn["max_length"])
    assert drawn["warmup"] == {0.1, 0.2, 0.3, 0.4}
    assert drawn["pooling"] == {"first", "mean"}


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_small_search_space_is_tried_without_repetition(sampler):
    spaces = {"lr": [0.1, 0.2, 0.3], "pooling": ["first", "mean"]}
    (entry,) = expand(searched(sampler=sampler, startup=2, settings=spaces)).entries
    grown = entry.grown(near_a_hundredth)
    assert len({tuple(candidate.values()) for candidate in grown.candidates}) == 6


def test_proposals_depend_on_the_seed_and_more_trials_extend_a_search():
    (entry,) = expand(searched()).entries
    assert expand(searched()).entries[0].candidates == entry.candidates
    assert expand(searched(seed=1)).entries[0].candidates != entry.candidates
    assert expand(searched(trials=9)).entries[0].candidates[:6] == entry.candidates


def test_validation_chooses_the_best_trial_which_runs_on_all_seeds():
    matrix = expand(searched())
    (entry,) = matrix.entries
    best = max(entry.runs, key=lambda seeds: near_a_hundredth(seeds[0]))
    chosen = matrix.select(near_a_hundredth)
    assert [planned.plan.settings.seed for planned in chosen.runs] == [0, 1]
    assert {planned.plan.settings.lr for planned in chosen.runs} == {best[0].plan.settings.lr}
    assert len(chosen.trials) == 6
    assert chosen.notes[0].endswith(
        "among 6 trials drawn at random from lr 1e-05 to 0.1 on a log scale (first seed; 6 of 6 trials complete)"
    )
    assert "validation has not chosen yet" in matrix.select(lambda planned: None).notes[0]


def test_the_first_trials_of_tpe_are_random_and_the_others_follow_their_scores():
    spec = searched(sampler="tpe", trials=7, startup=4)
    (entry,) = expand(spec).entries
    assert rates(entry) == rates(expand(searched()).entries[0])[:4]
    assert [len(grown.runs) for grown in entry.rounds(near_a_hundredth)] == [4, 5, 6, 7]
    grown = entry.grown(near_a_hundredth)
    assert grown.candidates[:4] == entry.candidates
    assert expand(spec).entries[0].grown(near_a_hundredth).candidates == grown.candidates
    other = entry.grown(lambda planned: -planned.plan.settings.lr)
    assert other.candidates[:4] == entry.candidates
    assert other.candidates[4:] != grown.candidates[4:]


def test_tpe_draws_near_the_best_trials():
    guided = expand(searched(sampler="tpe", trials=40, startup=10)).entries[0].grown(near_a_hundredth)
    distances = [abs(math.log10(rate) + 2) for rate in rates(guided)]
    assert sum(distances[10:]) / 30 < sum(distances[:10]) / 10


def test_tpe_draws_every_kind_of_distribution():
    spaces = {
        "lr": RATE,
        "batch_size": {"low": 16, "high": 64, "step": 16},
        "warmup": {"low": 0.1, "high": 0.4, "step": 0.1},
        "weight_decay": {"low": 0.0, "high": 0.1},
        "pooling": ["first", "mean"],
        "no_decay_norm_bias": [True, False],
    }
    (entry,) = expand(searched(sampler="tpe", trials=12, startup=2, settings=spaces)).entries
    grown = entry.grown(near_a_hundredth)
    assert len({tuple(candidate.values()) for candidate in grown.candidates}) == 12
    assert all(candidate["batch_size"] in (16, 32, 48, 64) for candidate in grown.candidates)
    assert all(candidate["warmup"] in (0.1, 0.2, 0.3, 0.4) for candidate in grown.candidates)


def test_a_search_goes_on_after_failed_trials_and_never_chooses_one():

    def score(planned):
        return None if planned.plan.settings.lr > 1e-3 else near_a_hundredth(planned)

    grown = expand(searched(sampler="tpe", trials=8, startup=3)).entries[0].grown(score)
    assert len(grown.runs) == 8
    assert grown.final(score)
    assert all(planned.plan.settings.lr <= 1e-3 for planned in grown.final(score))


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_without_optuna_a_search_says_what_to_install(monkeypatch, sampler):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(FecbenchError, match=r'needs the package optuna .* run pip install "fecbench\[search\]"'):
        expand(searched(sampler=sampler))


def test_a_smoke_test_runs_a_row_of_a_search_once():
    small = smoke(expand(searched("ce", "aml")))
    assert [len(entry.runs) for entry in small.entries] == [1, 1]
    assert {entry.runs[0][0].trial for entry in small.entries} == {None}
    assert len(small.select(lambda planned: None).runs) == 2


@pytest.fixture
def refusal(tmp_path):
    """Returns the message that refuses a spec."""

    def refusal(text: str) -> str:
        path = tmp_path / "spec.toml"
        path.write_text(textwrap.dedent(text))
        with pytest.raises(UsageError) as error:
            expand(read_spec(path))
        return str(error.value)

    return refusal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + 'select = "validation"\nsettings.lr = [1e-3, 1e-4]', "search.trials is required"),
        (HEAD + "trials = 5\nsettings.lr = [1e-3, 1e-4]", "search.select is required"),
        (START + "trails = 5", "no key of search is called 'trails'; did you mean 'trials'?"),
        (START.replace("= 5", "= 1"), "search.trials: it must be at least 2"),
        (START.replace("random", "grid"), "search.sampler: it must be"),
        (START + "settings.lr = { lwo = 1.0, high = 2.0 }", "no key of search.settings.lr is called 'lwo'"),
        (START + "settings.lr = { low = 1.0 }", "search.settings.lr: it must be a list of values, or a table with low"),
        (START + "settings.lr = 0.1", "or a table with low and high, but is 0.1"),
        (START + "settings.lr = { low = 2.0, high = 1.0 }", "low must be below high, but they are 2.0 and 1.0"),
        (START + "settings.lr = { low = 'a', high = 1.0 }", "search.settings.lr.low: it must be a number between"),
        (START + "settings.lr = { low = true, high = 2 }", "search.settings.lr.low: it must be a number between"),
        (START + "settings.lr = { low = 1.0, high = inf }", "search.settings.lr.high: it must be a number between"),
        (START + "settings.lr = { low = 0.0, high = 1.0, log = true }", "low must be above 0 on a log scale"),
        (START + "settings.lr = { low = 1.0, high = 2.0, log = true, step = 0.5 }", "a log scale has no steps"),
        (START + "settings.lr = { low = 1.0, high = 2.0, step = 0.3 }", "low plus a whole number of steps"),
        (START + "settings.lr = [0.1, 0.1]", "it must list each value once, but 0.1 is repeated"),
        (START + "settings.lr = [[0.1]]", "its values must be text, numbers, true or false"),
        (START + "settings.lr = { choices = [0.1], low = 0.1 }", "but has both"),
        (START + "settings.seed = [0, 1]", "seed can't be settings of a spec"),
        (START + "settings.folds = [2, 3]", "folds must be the same for all rows"),
        (START + "[grid]\nselect = 'validation'", "a spec must have [grid] or [search], and not both"),
        (START, "[search]: every row must have a setting to search, but ce has none"),
        (START + "settings.lr = [0.1, 0.2]", "ce must have at least 5 different trials, but has 2"),
        (START + "settings.lr = { low = 0.0, high = 1.0 }", "row ce on demo: run settings: --lr 0.0: it must be"),
        (START + "settings.pooling = { low = 0, high = 9 }", "row ce on demo: run settings: --pooling 0: it must be"),
        (START + "settings.epochs = { low = 2.0, high = 9.0 }", "run settings: --epochs 4.228: it must be"),
        (START + "settings.epocs = { low = 1, high = 9 }", "no setting (spec) is called 'epocs'; did you mean"),
        (START + "objective.cs.lr = { low = 0.1, high = 0.2 }", "[search.objective.cs]: no method or row"),
    ],
)
def test_a_search_that_is_off_is_refused_before_anything_starts(refusal, text, said):
    assert said.lower() in refusal(text).lower()
