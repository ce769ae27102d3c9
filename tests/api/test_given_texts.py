"""Texts to predict are read from lists, arrays and columns; other objects are refused."""

import datasets
import numpy as np
import pandas as pd
import pytest

from fecbench.api.given_texts import texts_of
from fecbench.core.errors import UsageError

TEXTS = ["I am so happy", "leave me alone"]
FRAME = pd.DataFrame({"text": TEXTS, "label": ["joy", "anger"]})


@pytest.mark.parametrize("given", [TEXTS, tuple(TEXTS), np.array(TEXTS), FRAME["text"], iter(TEXTS)], ids=type)
def test_texts_of_every_kind_are_read(given):
    assert texts_of(given) == TEXTS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("I am so happy", r"got one text; give \[text\]"),
        (FRAME, "got DataFrame; give its column"),
        (5, r"got 5; give \[text\]"),
        ({"text": TEXTS}, "got dict; give its column"),
        (datasets.Dataset.from_pandas(FRAME), "got Dataset; give its column|item 0 is"),
        ([*TEXTS, None], "item 2 is None"),
        ([float("nan"), *TEXTS], "item 0 is nan"),
        (["\ud800"], "item 0 is"),
    ],
)
def test_other_objects_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        texts_of(given)
