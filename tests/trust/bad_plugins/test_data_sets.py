"""Data sets with a fault are named with it."""

import pytest

from tests.support.judge import TINY

LOADER = """
import sys
from datasets import Dataset
from fecbench import DatasetInfo, EmotionData, Source
INFO = DatasetInfo("sick", "t", "MIT", "", (4, 2, 2), 2)
def rows(texts=("a b", "c d"), labels=(0, 1), times=8):
    return Dataset.from_dict({{"text": list(texts) * times, "label": list(labels) * times}})
def three(**other):
    return {{"train": rows(), "validation": rows(["e f", "g h"]), "test": rows(["i j", "k l"])}} | other
class Thing:
    info = INFO
    def source(self, places): return Source("nowhere")
    def load(self, places): {body}
thing = Thing()
"""
LOADS = {
    "raises": ("raise ValueError('boom')", "boom"),
    "exits": ("sys.exit(0)", "SystemExit"),
    "gives nothing": ("return None", "must give a fecbench.EmotionData, but gave NoneType"),
    "gives a dict": ("return {'train': []}", "must give a fecbench.EmotionData, but gave dict"),
    "lacks a split": ("return EmotionData(INFO, ('x', 'y'), {'train': rows()}, 's')", "must give the splits"),
    "has a split too many": ("return EmotionData(INFO, ('x', 'y'), three(more=rows()), 's')", "must give the splits"),
    "has splits of lists": ("return EmotionData(INFO, ('x', 'y'), three(test=[1]), 's')", "the data set 'sick'"),
    "lacks texts": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows().remove_columns('text')), 's')",
        "test lacks text",
    ),
    "lacks labels": (
        "return EmotionData(INFO, ('x', 'y'), three(train=rows().remove_columns('label')), 's')",
        "train lacks label",
    ),
    "has empty texts": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(['', 'b'])), 's')",
        "row 0 of test is ''",
    ),
    "has texts that are numbers": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows([1, 2])), 's')",
        "row 0 of test is 1",
    ),
    "has texts that are None": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(['a', None])), 's')",
        "row 1 of test is None",
    ),
    "has labels that are names": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=['x', 'y'])), 's')",
        "label 'x'",
    ),
    "has labels that are floats": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[0.0, 1.0])), 's')",
        "label 0.0",
    ),
    "has labels beyond": ("return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[0, 2])), 's')", "label 2"),
    "has negative labels": ("return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[-1, 0])), 's')", "label -1"),
    "has labels that are lists": (
        "return EmotionData(INFO, ('x', 'y'), three(test=rows(labels=[[0], [1]])), 's')",
        "label [0]",
    ),
    "has an empty split": ("return EmotionData(INFO, ('x', 'y'), three(test=rows(times=0)), 's')", "test"),
    "has a label twice": ("return EmotionData(INFO, ('x', 'x'), three(), 's')", "must name each label once"),
    "has labels without names": ("return EmotionData(INFO, (0, 1), three(), 's')", "must name each label once"),
    "has one label": ("return EmotionData(INFO, ('x',), three(), 's')", "the data set 'sick'"),
    "has a label nobody has": ("return EmotionData(INFO, ('x', 'y', 'z'), three(), 's')", "has no row of z"),
}


@pytest.mark.parametrize(("body", "says"), LOADS.values(), ids=LOADS)
def test_a_data_set(judge, install, body, says):
    install("sick-plugin", "fecbench_datasets", sick="sick_data:thing", code=LOADER.format(body=body))
    judge.refuses("run", "ce", "--dataset", "sick", *TINY, says=("sick", says))
    assert judge("data").code == 0
