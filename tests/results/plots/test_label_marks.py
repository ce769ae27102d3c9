"""The marks of labels: one for each label, or one for each group of emotions."""

import pytest

from fecbench.data.datasets.builtin.demo import LABELS as DEMO
from fecbench.data.datasets.builtin.empathetic_dialogues import LABELS as ED
from fecbench.data.datasets.builtin.goemotions import EKMAN, MULTI_LABELS
from fecbench.data.datasets.builtin.goemotions import LABELS as GE
from fecbench.results.plots.emotion_groups import FURTHER, GROUPS, OTHER, emotion_groups
from fecbench.results.plots.label_marks import MANY, label_marks
from fecbench.results.plots.marks import mark


def test_goemotions_has_the_groups_of_its_paper():
    found = emotion_groups(MULTI_LABELS)
    expected = {group: set(members) for group, members in EKMAN.items() if group != "neutral"}
    assert {group: set(members) for group, members in found.items()} == {**expected, OTHER: {"neutral"}}


@pytest.mark.parametrize("labels", [ED, GE, DEMO], ids=["ed", "ge", "demo"])
def test_every_emotion_of_a_built_in_data_set_is_known(labels):
    assert OTHER not in emotion_groups(labels)


def test_no_word_is_in_two_groups():
    words = [word for group in FURTHER for word in (*EKMAN[group], *FURTHER[group])]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("labels", [ED, GE, MULTI_LABELS, DEMO], ids=["ed", "ge", "ge-multi", "demo"])
def test_every_label_is_in_one_entry_and_entries_differ(labels):
    entries = label_marks(labels)
    assert sorted(number for entry in entries for number in entry.labels) == list(range(len(labels)))
    assert len(entries) < len(labels)
    assert len({entry.mark for entry in entries}) == len(entries)
    assert len({entry.mark.colour for entry in entries}) == len(entries)


def test_a_group_keeps_its_mark_in_every_figure():
    marks = [{entry.text.split(":")[0]: entry.mark for entry in label_marks(labels)} for labels in (ED, DEMO)]
    assert all(marks[0][group] == marks[1][group] for group in GROUPS if group in marks[0] and group in marks[1])
    assert marks[0]["joy"] == marks[1]["joy"]


def test_few_labels_and_labels_that_are_no_emotions_have_marks_of_their_own():
    for names in (ED[:MANY], [f"topic {number}" for number in range(20)]):
        assert label_marks(names) == tuple((name, (number,), mark(number)) for number, name in enumerate(names))
