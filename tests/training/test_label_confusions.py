"""Labels that are mistaken for one another: slow counts, and the confusion matrix where each text has one label."""

import numpy as np
from sklearn.metrics import confusion_matrix

from fecbench.training.label_confusions import label_confusions

DRAW = np.random.default_rng(2)


def test_it_is_the_confusion_matrix_of_texts_with_one_label():
    true, predicted = DRAW.integers(0, 4, 200), DRAW.integers(-1, 4, 200)
    one_hot = np.vstack([np.eye(4), np.zeros((1, 4))]) > 0
    found = label_confusions(one_hot[true], one_hot[predicted])
    answered = predicted >= 0
    assert found[:, :4].tolist() == confusion_matrix(true[answered], predicted[answered]).tolist()
    assert found[:, 4].tolist() == np.bincount(true[~answered], minlength=4).tolist()


def test_slow_counts_are_the_same():
    true, given = DRAW.random((60, 5)) < 0.4, DRAW.random((60, 5)) < 0.3
    slow = np.zeros((5, 6), int)
    for labels, answer in zip(true, given, strict=True):
        for one in np.flatnonzero(labels):
            slow[one, one] += answer[one]
            slow[one, 5] += not answer.any()
            for other in np.flatnonzero(answer & ~labels):
                slow[one, other] += not answer[one]
    assert label_confusions(true, given).tolist() == slow.tolist()
