"""An option reaches what it is an option of: under another value the first updates of a method are others."""

from dataclasses import fields

import pytest

from fecbench.runs.plan import plan
from fecbench.testing.subject import Subject
from fecbench_emoberta import EmoBERTa, EmoBERTaConfig, Speaking
from fecbench_llm.backend_selection import select_backend
from fecbench_llm.config import LLMPromptConfig
from fecbench_taco import objective as taco
from fecbench_tfd import TFD

SUPCON = {"scl": "supcon"}
OPTIONS = [
    pytest.param("hypemo", {}, {"classification_weight": 2.0}, marks=pytest.mark.slow),
    ("hypemo", {}, {"hyperbolic_weight": 1.0}),
    ("hypemo", {}, {"dot": "mean"}),
    ("hypemo", {}, {"ball_activation": "none"}),
    pytest.param("hypemo", {}, {"negatives": 2}, marks=pytest.mark.slow),
    pytest.param("hypemo", {}, {"tree_seed": 8}, marks=pytest.mark.slow),
    ("hypemo", {}, {"tree": "flat"}),
    ("sacl", {}, {"contrastive_weight": 1.0}),
    ("sacl", {}, {"attacked_contrastive_weight": 1.0}),
    ("sacl", {}, {"temperature": 1.0}),
    ("sacl", SUPCON, {"temperature": 1.0}),
    ("sacl", {}, SUPCON),
    ("sacl", {}, {"space": "logits"}),
    ("sacl", {}, {"space": "hidden"}),
    ("sacl", {}, {"epsilon": 5.0}),
    ("sacl", {}, {"at_rate": 0.0}),
    ("sacl", {}, {"focal_gamma": 2.0}),
    ("sacl", {}, {"weigh_classes": True}),
    ("sacl", {}, {"attack": "input_embeddings"}),
    ("sacl", {}, {"attack": "embeddings_and_first_layer"}),
    ("taco", {}, {"contrastive_weight": 1.0}),
    ("taco", {}, {"separation_weight": 1.0}),
    ("taco", {}, {"temperature": 1.0}),
    ("taco", {}, {"base_temperature": 0.5}),
    ("taco", {}, {"label_weights": "clamped"}),
    ("cdp-mlm", {"rho": 0.0}, {"masking": 0.5}),
    ("cdp-mlm", {"rho": 0.0}, {"cdp": False}),
    ("cdp-mlm", {"rho": 0.0}, {"mlm": False}),
    ("cdp-mlm", {"rho": 0.0}, {"mlm_head": "random"}),
    ("cdp-mlm", {"rho": 1.0}, {"main_loss": "sigmoid"}),
]


def updates(method: str, options: dict[str, object]) -> list[float]:
    """The losses and logs of the first two batches."""
    subject = Subject(plan(method, {"dataset": "demo", "encoder": "tiny-bert", **options}), {})
    stepper = subject.stepper()
    return [float(value) for batch in subject.batches(2) for _, value in stepper.step(batch, 1.0)]


@pytest.fixture(scope="module")
def known():
    """Updates computed by earlier tests, by method and options."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "given", "other"), OPTIONS, ids=lambda value: str(value))
def test_another_value_makes_other_updates(known, method, given, other):
    key = method, str(given)
    if key not in known:
        known[key] = updates(method, given)
    assert updates(method, {**given, **other}) != known[key]


@pytest.mark.parametrize(
    ("options", "rates"), [({"projector_lr": 0.5}, [0.5, 0.25]), ({"projector_lr_step": "epoch"}, [0.01, 0.01])]
)
def test_the_projector_of_hypemo_has_a_rate_of_its_own(options, rates):
    stepper = Subject(plan("hypemo", {"dataset": "demo", "encoder": "tiny-bert", **options}), {}).stepper()
    found = []
    for step in (0, 10):
        stepper.players["projector"].schedule(1.0, step, 1000)
        found += [group["lr"] for group in stepper.players["projector"].optimizer.param_groups]
    assert found == rates


def test_taco_starts_its_clusters_by_the_runs_seed(monkeypatch):
    seeds = []
    monkeypatch.setattr(
        taco, "kmeans_clusters", lambda z, clusters, seed: seeds.append(seed) or z.new_zeros(len(z)).long()
    )
    for seed in (0, 7):
        subject = Subject(plan("taco", {"dataset": "demo", "encoder": "tiny-bert"}), {})
        subject.stepper(seed=seed).step(next(subject.batches(1)), 1.0)
    assert seeds == [0, 7]


def test_emoberta_puts_texts_as_its_options_say():
    given = EmoBERTaConfig(frame="past", speaker="joey", speaker_case="title")
    assert EmoBERTa.forms(given) == {"text": Speaking(past=True, speaker="joey", case="title")}
    assert EmoBERTa.forms(EmoBERTaConfig()) == {}


def test_tfd_hides_a_whole_text_behind_one_mask_where_it_is_told_to():
    kinds = [TFD.forms(TFD.Config(single_mask=single))["label"].hidden for single in (False, True)]
    assert kinds == ["words", "text"]


def test_an_endpoint_is_asked_as_the_options_say(monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    given = {"token_limit": "max_completion_tokens", "concurrency": 3, "retries": 5, "timeout": 7.0}
    config = LLMPromptConfig(
        base_url="http://h/v1", model="m", api_key_env="MY_KEY", temperature=0.5, max_new_tokens=9, **given
    )
    asked = select_backend(config, 4, "cpu", recorded=False)
    found = {field.name: getattr(asked, field.name) for field in fields(asked)}
    assert {name: found[name] for name in (*given, "url", "model", "key")} == {
        **given,
        "url": "http://h/v1",
        "model": "m",
        "key": "secret",
    }
    assert (asked.decoding.temperature, asked.decoding.max_new_tokens, asked.decoding.seed) == (0.5, 9, 4)
