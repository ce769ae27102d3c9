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


def gives(splits: str, labels: str = "('x', 'y')") -> str:
    return f"return EmotionData(INFO, {labels}, {splits}, 's')"


LOADS = {
    "raises": ("raise ValueError('boom')", "boom"),
    "exits": ("sys.exit(0)", "SystemExit"),
    "gives nothing": ("return None", "must give a fecbench.EmotionData, but gave NoneType"),
    "gives a dict": ("return {'train': []}", "must give a fecbench.EmotionData, but gave dict"),
    "lacks a split": (gives("{'train': rows()}"), "must give the splits"),
    "has a split too many": (gives("three(more=rows())"), "must give the splits"),
    "has splits of lists": (gives("three(test=[1])"), "the data set 'sick'"),
    "lacks texts": (
        gives("three(test=rows().remove_columns('text'))"),
        "test lacks text",
    ),
    "lacks labels": (
        gives("three(train=rows().remove_columns('label'))"),
        "train lacks label",
    ),
    "has empty texts": (
        gives("three(test=rows(['', 'b']))"),
        "row 0 of test is ''",
    ),
    "has texts that are numbers": (
        gives("three(test=rows([1, 2]))"),
        "row 0 of test is 1",
    ),
    "has texts that are None": (
        gives("three(test=rows(['a', None]))"),
        "row 1 of test is None",
    ),
    "has labels that are names": (
        gives("three(test=rows(labels=['x', 'y']))"),
        "label 'x'",
    ),
    "has labels that are floats": (
        gives("three(test=rows(labels=[0.0, 1.0]))"),
        "label 0.0",
    ),
    "has labels beyond": (gives("three(test=rows(labels=[0, 2]))"), "label 2"),
    "has negative labels": (gives("three(test=rows(labels=[-1, 0]))"), "label -1"),
    "has labels that are lists": (
        gives("three(test=rows(labels=[[0], [1]]))"),
        "label [0]",
    ),
    "has an empty split": (gives("three(test=rows(times=0))"), "test"),
    "has a label twice": (gives("three()", "('x', 'x')"), "must name each label once"),
    "has labels without names": (gives("three()", "(0, 1)"), "must name each label once"),
    "has one label": (gives("three()", "('x',)"), "the data set 'sick'"),
    "has a label nobody has": (gives("three()", "('x', 'y', 'z')"), "has no row of z"),
}


@pytest.mark.parametrize(("body", "says"), LOADS.values(), ids=LOADS)
def test_a_data_set(judge, install, body, says):
    install("sick-plugin", "fecbench_datasets", sick="sick_data:thing", code=LOADER.format(body=body))
    judge.refuses("run", "ce", "--dataset", "sick", *TINY, says=("sick", says))
    assert judge("data").code == 0
