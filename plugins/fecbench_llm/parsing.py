"""From what a model wrote to a label: by whole words, never by parts of words.

>>> parse = Parser(["afraid", "joyful", "proud", "sad", "lonely"])
>>> [parse(answer) for answer in ("Proud.", "I think: **joyful**", "sad, lonely", "Happiness", "unafraid", "not sure", "")]
[2, 1, 3, 1, -1, -1, -1]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Literal

from fecbench import FecbenchError

NO_ANSWER = -1
Multi = Literal["first", "invalid"]

_THOUGHT = re.compile(
    r"\A.*</think(?:ing)?>|<think(?:ing)?>.*", re.DOTALL
)  # what reasoning models write before they answer
_TAG = re.compile(r"</?[a-z][^<>\n]*>")
_MARKUP = str.maketrans(
    dict.fromkeys('*_`~#"()[]{}<>|\\\u201c\u201d\u201e\u00ab\u00bb', " ") | {"\u2019": "'", "\u2018": "'"}
)
_CUE = re.compile(
    r"(?:(?:the|my|this|final) )*(?:answer|emotions?|label|feeling|text contains emotions)(?: ?:| (?:is|are)\b:?)"
)
_EDGE = " .,;:!?'-\u2013\u2014"


class Parser:
    """Reads answers for one list of labels.

    An answer in lower case, without markup and quotes, is (a) a label; or (b) its last line that begins with a cue such as ``Answer:`` goes
    on with a label and nothing else; or (c) it has labels in it, as whole words, longer ones before shorter ones; or (d) it has other
    names of a label in it (``aliases.json``). Otherwise it is no answer.

    Args:
        labels: the label names.
        multi: what becomes of an answer with several labels in it: the first counts, or it is no answer.

    Raises:
        FecbenchError: two labels are the same but for their case.
    """

    def __init__(self, labels: Sequence[str], multi: Multi = "first"):
        self.multi = multi
        self.labels = {_plain(label): index for index, label in enumerate(labels)}
        if len(self.labels) < len(labels):
            raise FecbenchError(
                f"labels must differ in more than case and marks for answers to be told apart, found {', '.join(labels)}"
            )
        self.aliases = _aliases_of(self.labels)
        self._label, self._alias = _whole_words(self.labels), _whole_words(self.aliases)

    def __call__(self, answer: str) -> int:
        """The index of the label that ``answer`` means; -1 where it means none."""
        lines = [line for raw in _THOUGHT.sub("", answer.lower()).splitlines() if (line := _plain(raw))]
        whole = " ".join(lines)
        if whole in self.labels:
            return self.labels[whole]
        cued = [line[match.end() :].strip(_EDGE) for line in lines if (match := _CUE.match(line))]
        if cued and cued[-1] in self.labels:
            return self.labels[cued[-1]]
        found = _found(self._label, self.labels, whole) or _found(self._alias, self.aliases, whole)
        return found[0] if len(found) == 1 or (found and self.multi == "first") else NO_ANSWER


def _plain(text: str) -> str:
    """``text`` in lower case on one line, without markup, quotes and marks at its edges."""
    return " ".join(_TAG.sub(" ", text.lower()).translate(_MARKUP).split()).strip(_EDGE)


def _whole_words(names: Iterable[str]) -> re.Pattern[str]:
    """Any of ``names`` where no letter, digit or hyphen touches it, longer names first."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?![\w-])")


def _found(pattern: re.Pattern[str], names: Mapping[str, int], text: str) -> list[int]:
    """The different labels that ``pattern`` finds, in the order of their first occurrence."""
    return list(dict.fromkeys(names[match] for match in pattern.findall(text)))


def _aliases_of(labels: Mapping[str, int]) -> dict[str, int]:
    """Other names of ``labels``; one that could mean two of them, or is itself a label, is none."""
    table: dict[str, list[str]] = json.loads(files(__package__).joinpath("aliases.json").read_text(encoding="utf-8"))
    pairs = [(alias, index) for label, index in labels.items() for alias in table.get(label, []) if alias not in labels]
    meant: dict[str, set[int]] = {}
    for alias, index in pairs:
        meant.setdefault(alias, set()).add(index)
    return {alias: min(indices) for alias, indices in meant.items() if len(indices) == 1}
