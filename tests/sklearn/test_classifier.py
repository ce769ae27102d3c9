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

import fecbench
from fecbench.sklearn import EmotionClassifier

pytestmark = pytest.mark.slow
X = [f"good day {number}" for number in range(30)] + [f"bad night {number}" for number in range(30)]
Y = np.array([7] * 30 + [3] * 30)
FAST = {"encoder": "scratch", "epochs": 2, "batch_size": 8}


@pytest.fixture(autouse=True)
def _work_in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class AnyX(EmotionClassifier):
    """The classifier with tags that let scikit-learn's checks of numeric features run as well."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.no_validation = True, False
        return tags


def test_it_passes_the_checks_of_scikit_learn_that_give_it_no_numbers():
    outcomes = check_estimator(AnyX(**FAST), on_fail=None, on_skip=None)
    passed = {outcome["check_name"] for outcome in outcomes if outcome["status"] == "passed"}
    assert {
        "check_estimator_cloneable",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_estimators_unfitted",
        "check_get_params_invariance",
        "check_set_params",
        "check_parameters_default_constructible",
        "check_mixin_order",
    } <= passed


def test_it_learns_predicts_and_scores():
    model = EmotionClassifier("supcon", **FAST).fit(X, Y)
    assert model.classes_.tolist() == [3, 7]
    assert model.score(X, Y) == 1
    shares = model.predict_proba(X[:2])
    assert shares.sum(1) == pytest.approx(1)
    assert (shares[:, 1] > 0.5).all()
    assert model.run_.objective == "supcon"
    assert fecbench.load(model.run_.folder).scores == model.run_.scores


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
    [(X, [1] * 60, "two classes"), ([1] * 60, Y, "column of texts"), ("text", Y, "column of texts")],
)
def test_unfit_rows_are_refused(texts, labels, message):
    with pytest.raises(ValueError, match=message):
        EmotionClassifier(**FAST).fit(texts, labels)
