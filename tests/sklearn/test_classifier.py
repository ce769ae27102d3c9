"""An objective works where a scikit-learn classifier does."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

import fecbench
from fecbench.core.errors import UsageError
from fecbench.sklearn import EmotionClassifier

pytestmark = pytest.mark.slow
X = [f"good day {number}" for number in range(30)] + [f"bad night {number}" for number in range(30)]
Y = np.array([7] * 30 + [3] * 30)
FAST = {"encoder": "scratch", "epochs": 2, "batch_size": 8}


@pytest.fixture(autouse=True)
def _work_in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def words(rows) -> list[str]:
    """A text for each row of numbers: a word for each column and size."""
    return [" ".join(f"w{at}{min(7, max(0, int(2 * value) + 4))}" for at, value in enumerate(row)) for row in rows]


class OnNumbers(EmotionClassifier):
    """The classifier behind a step that turns numbers into words, since scikit-learn's checks give numbers."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, False, True
        tags.no_validation, tags.classifier_tags.poor_score = False, True
        return tags

    def fit(self, X, y):  # noqa: N803
        numbers, labels = validate_data(self, X, y)
        super().fit(words(numbers), labels)
        self.n_features_in_ = numbers.shape[1]
        return self

    def predict_proba(self, X):  # noqa: N803
        check_is_fitted(self)
        return super().predict_proba(words(validate_data(self, X, reset=False)))


def test_it_passes_the_checks_of_scikit_learn():
    small = {"encoder": "scratch", "epochs": 1, "batch_size": 16, "validation_fraction": 0.3}
    outcomes = check_estimator(OnNumbers(**small), on_fail=None, on_skip=None)
    failed = {outcome["check_name"]: outcome["exception"] for outcome in outcomes if outcome["status"] == "failed"}
    assert failed == {}
    assert len(outcomes) > 40


def test_it_learns_predicts_and_scores():
    model = EmotionClassifier("supcon", **FAST).fit(X, Y)
    assert model.run_.labels == ("3", "7")
    assert model.classes_.tolist() == [3, 7]
    assert model.score(X, Y) == 1
    shares = model.predict_proba(X[:2])
    assert shares.sum(1) == pytest.approx(1)
    assert (shares[:, 1] > 0.5).all()
    assert model.run_.objective == "supcon"
    assert fecbench.load(model.run_.folder).scores == model.run_.scores


def test_labels_keep_their_names_whatever_signs_they_have():
    labels = np.where(Y == 7, "joy, love", "sadness")
    model = EmotionClassifier(**FAST).fit(X, labels)
    assert model.run_.labels == ("joy, love", "sadness")
    assert model.predict(X[:2]).tolist() == ["joy, love", "joy, love"]


def test_a_generator_of_random_numbers_draws_the_seed():
    seeds = [
        EmotionClassifier(**FAST, random_state=np.random.RandomState(1)).fit(X, Y).run_.settings["seed"] for _ in "ab"
    ]
    assert seeds[0] == seeds[1]
    assert EmotionClassifier(**FAST, random_state=None).fit(X, Y).run_.settings["seed"] >= 0


def test_the_held_out_rows_alone_are_scored():
    model = EmotionClassifier(**FAST, validation_fraction=0.2).fit(X, Y)
    rows = model.run_.record.run_file.dataset.rows
    assert (rows.train, rows.validation) == (48, 12)
    assert set(model.run_.scores) == {"validation"}


def test_it_works_in_a_pipeline_and_in_cross_validation():
    upper = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    scores = cross_val_score(make_pipeline(upper, EmotionClassifier(**FAST)), X, Y, cv=2)
    assert len(scores) == 2
    assert min(scores) > 0.5


def test_a_grid_sets_its_parameters():
    search = GridSearchCV(EmotionClassifier(**FAST), {"lr": [1e-3, 1e-7]}, cv=2).fit(X, Y)
    assert search.best_params_ == {"lr": 1e-3}


def test_a_clone_has_its_parameters_and_is_not_fitted():
    model = EmotionClassifier("aml", settings={"k_pos": 2}, **FAST)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_a_fitted_model_survives_pickling():
    model = EmotionClassifier(**FAST).fit(X, Y)
    assert pickle.loads(pickle.dumps(model)).predict(X[:3]).tolist() == model.predict(X[:3]).tolist()


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (X, [1] * 60, "two classes"),
        (X, Y[1:], "inconsistent numbers of samples"),
        (X, [f"c{number % 20}" for number in range(60)], "a row of each of 20 classes, but is 0.1 of 60 rows"),
        (X, ["a"] * 30 + ["a "] * 30, "different texts"),
        ([1] * 60, Y, "column of texts"),
        ("text", Y, "column of texts"),
        (["", *X[1:]], Y, "no empty texts, but item 0 is one"),
    ],
)
def test_unfit_rows_are_refused(texts, labels, message):
    with pytest.raises(ValueError, match=message):
        EmotionClassifier(**FAST).fit(texts, labels)


@pytest.mark.parametrize("fraction", [0, 1.0, "a", None])
def test_an_unfit_share_is_refused(fraction):
    with pytest.raises(ValueError, match="validation_fraction must be between 0 and 1"):
        EmotionClassifier(**FAST, validation_fraction=fraction).fit(X, Y)


def test_settings_leave_the_classifiers_own_parameters_alone():
    with pytest.raises(UsageError, match="names progress, run_dir; give parameters of the classifier by themselves"):
        EmotionClassifier(**FAST | {"settings": {"run_dir": "runs/a", "progress": True}}).fit(X, Y)
