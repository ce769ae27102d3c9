"""TF-IDF with logistic regression equals scikit-learn's own pipeline; the record holds no piece of a text."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from fecbench import FecbenchError, Stage, Task
from fecbench_tfidf import NGrams, TfIdf, TfIdfConfig
from fecbench_tfidf.features import inverse_document_frequencies, weighted

TRAIN = [
    "so happy today",
    "happy happy joy",
    "what a sad day",
    "sad and sad again",
    "angry at this day",
    "so angry",
    "joy today",
    "sad day",
]
LABELS = [0, 0, 1, 1, 2, 2, 0, 1]
OTHER = ["happy day", "never seen words", "so sad so angry", "joy"]


def fitted(labels, classes, **options):
    config = TfIdfConfig(columns=64, **options)
    objective = TfIdf(config, Task("toy", tuple(map(str, range(classes))), (), 2, 2, 0))
    stage = Stage(
        None,
        {"train": TRAIN, "validation": OTHER},
        {"train": torch.tensor(labels)},
        lambda texts: iter(()),
        torch.device("cpu"),
        0,
        classes,
    )
    objective.before_training(stage)
    return objective


def logits(objective, texts):
    return objective.eval().predict(SimpleNamespace(texts=texts), None).numpy()


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_the_features_are_scikit_learns(longest):
    vectorizer = TfidfVectorizer(ngram_range=(1, longest), sublinear_tf=True).fit(TRAIN)
    ngrams = NGrams.of(TRAIN, longest, 1000)
    ours = weighted(ngrams.counts(OTHER), inverse_document_frequencies(ngrams.counts(TRAIN))).toarray()
    theirs = vectorizer.transform(OTHER).toarray()
    assert ours.shape == theirs.shape  # every n-gram has a hash of its own here
    np.testing.assert_allclose(np.sort(ours), np.sort(theirs))


def test_the_probabilities_are_those_of_one_regression_a_label():
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(TRAIN)
    train, other = features.transform(TRAIN), features.transform(OTHER)
    found = np.exp(logits(fitted(LABELS, 3), OTHER))
    for label in range(3):
        regression = LogisticRegression(C=4.0, solver="liblinear").fit(train, np.array(LABELS) == label)
        np.testing.assert_allclose(
            found[:, label], regression.predict_proba(other)[:, 1], atol=2e-3
        )  # liblinear stops at 1e-4


def test_two_labels_have_a_regression_each():
    labels = [0, 0, 1, 1, 1, 1, 0, 1]
    assert logits(fitted(labels, 2), TRAIN).argmax(1).tolist() == labels


def test_a_label_without_training_texts_is_never_the_answer():
    found = logits(fitted(LABELS, 5), [*TRAIN, *OTHER])
    assert set(found.argmax(1)) <= {0, 1, 2}
    assert np.isfinite(found).all()


def test_a_text_of_unknown_words_gets_the_intercepts():
    objective = fitted(LABELS, 3)
    expected = torch.nn.functional.logsigmoid(objective.bias).numpy()
    np.testing.assert_allclose(logits(objective, ["zzz qqq"])[0], expected, atol=1e-6)


def test_the_commonest_ngrams_are_kept():
    kept = NGrams.of(TRAIN, 1, 2)
    assert kept.counts(["sad day", "happy today joy"]).sum(1).A1.tolist() == [2, 0]


def test_ngrams_of_few_texts_are_left_out():
    kept = NGrams.of(TRAIN, 1, 1000, fewest_texts=3)
    often = TfidfVectorizer(min_df=3).fit(TRAIN)
    assert len(kept.hashes) == len(often.vocabulary_)
    assert kept.counts(["happy joy angry sad day"]).sum() == 2
    one_word = fitted(LABELS, 3, min_texts=3, ngrams=1)
    assert one_word.hashes[: len(kept.hashes)].tolist() == kept.hashes.tolist()
    with pytest.raises(FecbenchError, match="needs words that occur in at least 9 training texts"):
        fitted(LABELS, 3, min_texts=9)


def test_more_columns_than_hashes_are_refused():
    with pytest.raises(ValidationError, match="less than or equal to 2147483647"):
        TfIdfConfig(columns=2**31)


def test_columns_beyond_the_memory_are_refused():
    labels = range(2**40)  # the weights alone are too large: no memory is touched
    with pytest.raises(FecbenchError, match=r"needs memory for 1,024 columns .* lower --columns"):
        TfIdf(TfIdfConfig(columns=1024), Task("toy", labels, (), 2, 2, 0))


def test_saved_state_predicts_the_same():
    objective = fitted(LABELS, 3)
    fresh = TfIdf(objective.config, objective.task)
    fresh.load_state_dict(objective.state_dict())
    np.testing.assert_array_equal(logits(fresh, OTHER), logits(objective, OTHER))
