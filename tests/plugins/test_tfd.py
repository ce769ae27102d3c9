"""TFD: the card's search, what is hidden from a text, and that predictions are debiased as the search says."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from fecbench import FecbenchError, Form, Predictor
from fecbench.core.files import read_tensors
from fecbench.data.datasets.load import load_dataset
from fecbench.data.datasets.locations import DataLocations
from fecbench.model.model import precompute
from fecbench.runs.plan import plan
from fecbench.testing.subject import Subject
from fecbench_supcon import SupCon, SupConConfig
from fecbench_tfd import (
    Counterfactual,
    Debiasing,
    DebiasingConfig,
    Lexicon,
    line_search,
    read_lexicon,
    weighted_f1_scores,
)
from fecbench_tfd import search as module
from tests.support import ROOT
from tests.support.train import train

LOGITS = np.array([[2, 1.5, 0], [1.8, 1.7, 0], [1.9, 0, 1.6], [2.5, 0, 0]])
BIAS = np.array([[1.0, 0, 0]] * 4)
LABELS = np.array([1, 1, 2, 0])
HAPPY = Lexicon({"happy": "pos", "died": "neg"})


# The search.


def slow(logits, biases, labels):
    """The card's loop, one point at a time."""

    def score(point):
        moved = logits - sum(0.1 * step * bias for step, bias in zip(point, biases, strict=True))
        return f1_score(labels, moved.argmax(1), average="weighted", zero_division=0)

    best, top = (0,) * len(biases), -np.inf
    while True:
        origin = best
        for direction in product((-1, 0, 1), repeat=len(biases)):
            if not any(direction):
                continue
            point, counter = origin, 0
            while True:
                found = score(point)
                if found > top + 1e-12:
                    best, top, counter = point, found, 0
                if counter >= 20:
                    break
                point = tuple(p + d for p, d in zip(point, direction, strict=True))
                counter += 1
        if best == origin:
            return best, top


def test_the_cards_search():
    found = line_search(LOGITS, BIAS[None], LABELS)
    assert (found.steps, found.score, found.raw_score) == ((6,), 1.0, pytest.approx(0.1))
    assert (LOGITS - 0.6 * BIAS).argmax(1).tolist() == [1, 1, 2, 0]
    assert line_search(LOGITS, np.stack([BIAS, 0 * BIAS]), LABELS).steps == (6, -6)


@pytest.mark.parametrize("biases", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_a_loop_finds(seed, biases):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, 60)
    logits = generator.normal(size=(60, 4)) + np.eye(4)[labels] + 2 * np.eye(4)[0]
    counterfactuals = (
        generator.normal(size=(biases, 1, 4)) + 0.3 * generator.normal(size=(biases, 60, 4)) + np.eye(4)[0]
    )
    found, (steps, score) = line_search(logits, counterfactuals, labels), slow(logits, counterfactuals, labels)
    assert found.steps == steps
    assert found.score == pytest.approx(score, abs=1e-12)
    assert found.score > found.raw_score


def test_a_far_better_point_is_reached_and_memory_is_bounded(monkeypatch):
    """A ray goes on as long as it finds better points, here 50 steps; a few logits at once find the same as all."""
    labels = np.arange(30) % 2
    logits = np.zeros((30, 2))
    logits[:, 0] = np.where(labels == 1, np.linspace(0.5, 4.95, 30), 6)
    found = line_search(logits, np.array([[[1.0, 0]] * 30]), labels)
    assert (found.steps, found.score) == ((50,), 1.0)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    assert line_search(logits, np.array([[[1.0, 0]] * 30]), labels) == found


def test_what_says_nothing_changes_nothing():
    """Biases constant over classes leave coefficients 0; a constant added to a row, of anything, changes nothing."""
    assert line_search(LOGITS, np.ones((2, 4, 3)) * np.arange(4)[:, None], LABELS).steps == (0, 0)
    rows = np.array([8.0, -2, 4, 16])[:, None]  # dyadic, so that sums are exact enough to keep ties
    assert line_search(LOGITS + rows, BIAS[None] - rows, LABELS).steps == (6,)


def test_weighted_f1_is_scikit_learns():
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(0, 5, 40), generator.integers(0, 6, (7, 40))
    expected = [f1_score(labels, row, average="weighted", zero_division=0) for row in predicted]
    np.testing.assert_allclose(weighted_f1_scores(predicted, labels, 6), expected, rtol=0, atol=1e-12)


def test_logits_that_are_no_numbers_are_refused():
    broken = LOGITS.copy()
    broken[1, 2] = np.nan
    with pytest.raises(FecbenchError, match="needs finite logits, but 1 rows have others"):
        line_search(broken, BIAS[None], LABELS)
    with pytest.raises(FecbenchError, match="needs finite logits, but 1 rows have others"):
        line_search(LOGITS, broken[None], LABELS)


# Lexicon and counterfactuals.


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ("nothing", "i am so happy today"),
        ("polar", "i am so <mask> today"),
        ("words", "<mask> <mask> <mask> <mask> <mask>"),
        ("text", "<mask>"),
    ],
)
def test_what_is_hidden(hidden, expected):
    form = Counterfactual(hidden, HAPPY, HAPPY.fingerprint)
    assert form.apply("i am  so happy today", "<mask>") == expected
    assert form.apply(" ", "<mask>") == ""


def test_words_are_compared_in_lower_case_and_without_punctuation():
    found = [
        word
        for word in ["HAPPY,", "“happy!”", "(died)", "happily", "[happy]", "[HAPPY]'s", "...", "un-happy"]
        if word in HAPPY
    ]
    assert found == ["HAPPY,", "“happy!”", "(died)"]


def test_masks_are_the_tokenizers_own_and_texts_are_cut(tokenizer):
    form = Counterfactual("words", HAPPY, HAPPY.fingerprint)
    long, empty = form.encode(["what a lovely day", ""], tokenizer, 5)
    assert long == [tokenizer.cls_token_id, *[tokenizer.mask_token_id] * 3, tokenizer.sep_token_id]
    assert empty == [tokenizer.cls_token_id, tokenizer.sep_token_id]


def test_the_cache_tells_lexicons_apart_by_their_words():
    other = Lexicon({**HAPPY.polarities, "lovely": "pos"})
    forms = [Counterfactual("polar", lexicon, lexicon.fingerprint) for lexicon in (HAPPY, other)]
    assert repr(forms[0]) != repr(forms[1])
    assert "happy" not in repr(forms[0])


def test_a_tokenizer_without_a_mask_is_refused(tokenizer, monkeypatch):
    monkeypatch.setattr(tokenizer, "_special_tokens_map", {**tokenizer._special_tokens_map, "mask_token": None})
    with pytest.raises(FecbenchError, match="hiding words needs a mask token, but the encoder's tokenizer has none"):
        Counterfactual("words", HAPPY, HAPPY.fingerprint).encode(["so"], tokenizer, 5)


def test_the_plugins_own_lexicon():
    own = read_lexicon()
    assert len(own.polarities) > 1000
    assert own.polarities["happy"] == "pos"
    assert own.polarities["furious"] == "neg"
    assert not {"like", "kind", "today", "name"} & own.polarities.keys()
    assert own.coverage(["I am so happy!", "it is Tuesday", ""]) == pytest.approx(1 / 3)
    assert own.coverage([]) == 0


def test_a_lexicon_of_your_own(tmp_path):
    file = tmp_path / "lexicon.tsv"
    file.write_text("# mine\nGlücklich\tpos\n\ntraurig\tneg \n", encoding="utf-8")
    assert read_lexicon(file).polarities == {"glücklich": "pos", "traurig": "neg"}
    marked = tmp_path / "marked.tsv"
    marked.write_text("traurig\tneg\n", encoding="utf-8-sig")  # as spreadsheets write it
    assert read_lexicon(marked).polarities == {"traurig": "neg"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--lexicon must be a UTF-8 file of lines word<TAB>pos|neg, but .*/lexicon.tsv can't be read"),
        (b"\xff\xfe", "can't be read"),
        (b"", "must hold lines word<TAB>pos|neg, but holds none; give another --lexicon"),
        (b"glad\tpos\nsad neg\n", "line 2: must be one word, a tab, and pos or neg, found 'sad neg'; correct the line"),
        (b"glad\tgood\n", "line 1: must be one word, a tab, and pos or neg, found 'glad.tgood'"),
        (b"not glad\tneg\n", "line 1: must be one word, a tab"),
        (b"odd\tpos\nodd\tneg\n", "line 2: 'odd' is both pos and neg; remove one of them"),
    ],
)
def test_a_lexicon_that_is_none_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "lexicon.tsv").write_bytes(content)
    with pytest.raises(FecbenchError, match=message):
        read_lexicon(tmp_path / "lexicon.tsv")


# Runs.


train_small = partial(train, batch_size=8, device="cpu")


@pytest.fixture
def skewed(toy):
    """Most training rows are of one label, so that a short training leans on it."""
    lines = (toy / "train.csv").read_text().splitlines()
    glad = [line for line in lines[1:] if line.endswith("glad")]
    (toy / "train.csv").write_text(
        "\n".join([*lines, *(line.replace(",", f" {n},") for n in range(3) for line in glad)]) + "\n"
    )
    return toy


@pytest.mark.slow
def test_predictions_are_debiased_by_what_was_found_on_validation_rows(skewed, tmp_path):
    record, plain = train_small("tfd", skewed, tmp_path / "tfd"), train_small("ce", skewed, tmp_path / "ce")
    ours, theirs = (read_tensors(one.folder / "best.safetensors")[0] for one in (record, plain))
    assert all(value.equal(ours[name]) for name, value in theirs.items())  # training is that of cross-entropy
    steps = ours["objective.steps"]
    assert steps.any()
    found, raw = (one.result["metrics"]["validation"]["weighted_f1"] for one in (record, plain))
    assert found > raw
    assert ours["objective.coverage"] == pytest.approx(record.history()[0]["logs"]["lexicon_coverage"])
    predictor = Predictor.load(record)
    texts = load_dataset(plan("ce", {"dataset": str(skewed)}).settings, DataLocations()).splits["test"]["text"][:]
    logits = read_tensors(record.folder / "predictions.safetensors")[0]["logits"]
    torch.testing.assert_close(predictor.probabilities(texts), logits.softmax(1), rtol=1e-4, atol=1e-5)
    base, lexicon, mask = Predictor.load(plain), read_lexicon(), predictor.tokenizer.mask_token
    hidden = [
        [Counterfactual(kind, lexicon, "").apply(text, mask) for text in texts]
        for kind in ("nothing", "words", "polar")
    ]
    raw_logits, label, word = (base.probabilities(part).log() for part in hidden)
    expected = raw_logits - 0.1 * steps[0] * label - 0.1 * steps[1] * word
    torch.testing.assert_close(predictor.probabilities(texts), expected.softmax(1), rtol=1e-3, atol=1e-4)


class Watched(SupCon):
    """Cross-entropy and contrast that remember in which precision they predicted."""

    seen: list[bool] = []  # noqa: RUF012

    def predict(self, batch, model):
        self.seen.append(torch.is_autocast_enabled("cpu"))
        return super().predict(batch, model)


class DebiasedWatched(Debiasing, Watched):
    class Config(DebiasingConfig, SupConConfig):
        pass


@pytest.mark.slow
def test_the_search_reads_logits_of_the_precision_that_predicts(toy, tmp_path, registered):
    record = train_small(registered("watched", DebiasedWatched), toy, tmp_path / "run", precision="bf16", head="mlp")
    assert record.about["precision"] == "bf16"
    assert all(Watched.seen)


@pytest.mark.slow
def test_without_coefficients_nothing_is_changed_and_nothing_more_is_read(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(Debiasing, "after_training", lambda self, stage: None)
    ours, theirs = (
        read_tensors(train_small(name, toy, tmp_path / name).folder / "predictions.safetensors")[0]
        for name in ("tfd", "ce")
    )
    assert ours["logits"].equal(theirs["logits"])


def forbidden(*_, **__):
    raise AssertionError("the host read a tensor")


def test_a_prediction_waits_for_no_number_of_the_device(monkeypatch):
    subject = Subject(plan("tfd", {"dataset": "demo"}), {})
    stepper, batch = subject.stepper(), subject.first.unlabelled()
    objective, model = stepper.objective, stepper.model
    objective.steps.copy_(torch.tensor([3, -2]))
    precompute(model.eval(), objective.eval())
    with torch.no_grad(), monkeypatch.context() as patched:
        for name in ("item", "tolist", "numpy", "cpu", "__bool__", "__int__", "__float__"):
            patched.setattr(torch.Tensor, name, forbidden)
        found = objective.predict(batch, model)
    with torch.no_grad():
        views = (batch, batch.view("label"), batch.view("word"))
        text, label, word = (model.classify(model.project(model.encode(view))) for view in views)
    torch.testing.assert_close(found, text - 0.3 * label + 0.2 * word)


def test_coefficients_are_those_of_the_state_when_eval_mode_begins():
    subject = Subject(plan("tfd", {"dataset": "demo"}), {})
    stepper = subject.stepper()
    raw = subject.predict(stepper)
    stepper.objective.steps.copy_(torch.tensor([3, 0]))
    assert not subject.predict(stepper).allclose(raw)
    stepper.objective.steps.zero_()
    assert subject.predict(stepper).equal(raw)


@pytest.mark.slow
def test_test_labels_never_reach_the_search(toy, tmp_path):
    before = train_small("tfd", toy, tmp_path / "one")
    lines = (toy / "test.csv").read_text().splitlines()
    turned = {"glad": "mad", "mad": "sad", "sad": "glad"}
    (toy / "test.csv").write_text(
        "\n".join([lines[0], *(f"{t},{turned[y]}" for t, y in (li.rsplit(",", 1) for li in lines[1:]))]) + "\n"
    )
    after = train_small("tfd", toy, tmp_path / "two")
    for file in ("best.safetensors", "predictions.safetensors"):
        one, two = (read_tensors(record.folder / file)[0] for record in (before, after))
        same = {name for name, value in one.items() if value.equal(two[name])}
        assert one.keys() - same <= {"correct"}


@pytest.mark.slow
def test_a_lexicon_that_has_changed_is_refused(skewed, tmp_path):
    file = tmp_path / "mine.tsv"
    file.write_text("lovely\tpos\ndied\tneg\n")
    record = train_small("tfd", skewed, tmp_path / "run", lexicon=str(file), single_mask=True)
    steps = read_tensors(record.folder / "best.safetensors")[0]["objective.steps"]
    assert steps.any()
    Predictor.load(record).probabilities(["my dog died"])
    file.write_text("lovely\tpos\n")
    from fecbench_tfd import lexicon

    lexicon._read.cache_clear()
    with pytest.raises(
        FecbenchError,
        match=r"lexicon .*mine.tsv must be as it was when this run was trained, but its words have changed",
    ):
        Predictor.load(record).probabilities(["my dog died"])
    file.unlink()
    lexicon._read.cache_clear()
    with pytest.raises(FecbenchError, match=r"mine.tsv can't be read"):
        Predictor.load(record)


class Shouted(Form):
    """A form of the debiased objective's own."""

    def encode(self, texts, tokenizer, max_length):
        return tokenizer([f"{text} !" for text in texts], truncation=True, max_length=max_length)["input_ids"]


class ShoutedSupCon(SupCon):
    @classmethod
    def forms(cls, config):
        return {"text": Shouted()}


class DebiasedConfig(DebiasingConfig, SupConConfig):
    pass


class DebiasedSupCon(Debiasing, ShoutedSupCon):
    """Another objective, with its options, needs, views and forms, debiased."""

    Config = DebiasedConfig
    settings = {"head": "mlp"}  # noqa: RUF012


@pytest.mark.slow
def test_any_objective_can_be_debiased(skewed, tmp_path, registered):
    record = train_small(registered("debiased", DebiasedSupCon), skewed, tmp_path / "run", temperature=0.5)
    assert {"contrastive", "lexicon_coverage"} <= record.history()[0]["logs"].keys()
    assert record.about["settings"]["head"]["value"] == "mlp"
    tokenizer, forms = Predictor.load(record).tokenizer, DebiasedSupCon.forms(DebiasedConfig())
    text, word = (forms[name].encode(["what a lovely day"], tokenizer, 20)[0] for name in ("text", "word"))
    assert word == [tokenizer.mask_token_id if place == 3 else token for place, token in enumerate(text)]
    assert text[-2] == tokenizer.convert_tokens_to_ids("!")


def test_the_pages_example_has_everything_of_the_debiased_objective(registered):
    page = (ROOT / "docs" / "methods" / "tfd.md").read_text(encoding="utf-8")
    names: dict[str, type] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    chosen = plan(
        registered("debiased-lcl", names["DebiasedLCL"]), {"dataset": "demo", "single_mask": True, "temperature": 0.5}
    )
    assert (chosen.settings.head, chosen.settings.batch_size, chosen.needs.second_view) == ("lcl", 32, "auto")
