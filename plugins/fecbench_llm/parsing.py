"""Parse a model's answer into a label, or into all labels that it names, by whole words, never by parts of words.

>>> parse = Parser(["afraid", "joyful", "proud", "sad", "lonely"])
>>> answers = ("Proud.", "I think: **joyful**", "sad, lonely", "Happiness", "unafraid", "not sure", "")
>>> [parse(answer) for answer in answers]
[2, 1, 3, 1, -1, -1, -1]
>>> [parse.all_named(answer) for answer in ("lonely, sad", "Happiness", "none", "not sure")]
[[3, 4], [1], [], None]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Literal

from fecbench import FecbenchError

NO_ANSWER = -1
NO_LABEL = "none"  # the answer that no label fits, where a text can have several
Multi = Literal["first", "invalid", "all"]

# The reasoning that some models write before their answer.
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>|<think(?:ing)?>.*", re.DOTALL)
_TAG = re.compile(r"</?[a-z][^<>\n]*>")
_MARKUP = str.maketrans(
    dict.fromkeys('*_`~#"()[]{}<>|\\\u201c\u201d\u201e\u00ab\u00bb', " ") | {"\u2019": "'", "\u2018": "'"}
)
_CUE = re.compile(
    r"(?:(?:the|my|this|final) )*(?:answer|emotions?|label|feeling|text contains emotions)(?: ?:| (?:is|are)\b:?)"
)
_EDGE = " .,;:!?'-\u2013\u2014"


class Parser:
    """A parser of answers for one list of labels.

    An answer is put in lower case and stripped of markup and quotes. The first rule that applies gives the
    label:

    - (a) the whole answer is a label;
    - (b) the last line with a cue such as ``Answer:`` has a label and nothing else after the cue;
    - (c) labels occur in the answer as whole words, longer ones matched before shorter ones;
    - (d) aliases of a label occur in it (``aliases.json``).

    Otherwise there is no answer.

    Args:
        labels: label names.
        multi: reading of an answer with several labels where a text has one: its ``"first"`` label, or no answer
            (``"invalid"``).

    Raises:
        FecbenchError: two labels differ only in case and markup.
    """

    def __init__(self, labels: Sequence[str], multi: Multi = "first"):
        self.multi = multi
        self.labels = {_plain(label): index for index, label in enumerate(labels)}
        if len(self.labels) < len(labels):
            raise FecbenchError(
                "labels must differ in more than case and marks, so that answers can be told apart, "
                f"found {', '.join(labels)}"
            )
        self.aliases = _aliases_of(self.labels)
        self._label, self._alias = _whole_words(self.labels), _whole_words(self.aliases)

    def __call__(self, answer: str) -> int:
        """Return the index of the label that ``answer`` names, or -1."""
        lines = _lines(answer)
        whole = " ".join(lines)
        if whole in self.labels:
            return self.labels[whole]
        cued = _cued(lines)
        if cued and cued[-1] in self.labels:
            return self.labels[cued[-1]]
        named = _matches(self._label, self.labels, whole) or _matches(self._alias, self.aliases, whole)
        if len(named) == 1 or (named and self.multi == "first"):
            return named[0]
        return NO_ANSWER

    def all_named(self, answer: str) -> list[int] | None:
        """Return the indices of all labels that ``answer`` names, in order.

        They are those after the last cue or, without any there, those in the whole answer; aliases count too. The
        answer ``none`` gives ``[]``, any other answer without a label None.
        """
        lines = _lines(answer)
        for text in (*_cued(lines)[-1:], " ".join(lines)):
            labels = _matches(self._label, self.labels, text)
            aliases = _matches(self._alias, self.aliases, self._label.sub(" ", text))
            if labels or aliases:
                return sorted({*labels, *aliases})
            if text == NO_LABEL:
                return []
        return None


def _lines(answer: str) -> list[str]:
    """Return the lines of an answer in plain form, without empty ones and without what a model wrote in thought."""
    return [line for raw in _THOUGHT.sub("", answer.lower()).splitlines() if (line := _plain(raw))]


def _cued(lines: Iterable[str]) -> list[str]:
    """Return what follows the cue in each line that begins with one."""
    return [line[match.end() :].strip(_EDGE) for line in lines if (match := _CUE.match(line))]


def _plain(text: str) -> str:
    """Put ``text`` in lower case on one line, without markup, quotes and punctuation at its ends."""
    return " ".join(_TAG.sub(" ", text.lower()).translate(_MARKUP).split()).strip(_EDGE)


def _whole_words(names: Iterable[str]) -> re.Pattern[str]:
    """Compile a pattern of ``names`` that no letter, digit or hyphen touches, longer names first."""
    # An alternation takes the first name that matches, so a longer name must come before its beginning. "(?!)" matches
    # nothing, for no names.
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?![\w-])")


def _matches(pattern: re.Pattern[str], names: Mapping[str, int], text: str) -> list[int]:
    """Return the different labels that ``pattern`` matches, in the order of their first occurrence."""
    return list(dict.fromkeys(names[match] for match in pattern.findall(text)))


def _aliases_of(labels: Mapping[str, int]) -> dict[str, int]:
    """Return the aliases of ``labels``, without those that are labels themselves or belong to two labels."""
    table: dict[str, list[str]] = json.loads(files(__package__).joinpath("aliases.json").read_text(encoding="utf-8"))
    pairs = [(alias, index) for label, index in labels.items() for alias in table.get(label, []) if alias not in labels]
    labels_of: dict[str, set[int]] = {}
    for alias, index in pairs:
        labels_of.setdefault(alias, set()).add(index)
    return {alias: min(indices) for alias, indices in labels_of.items() if len(indices) == 1}
