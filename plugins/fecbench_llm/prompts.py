"""What a model is asked about a text: the task, the labels, labelled examples, the text.

>>> prompt = Chat(("glad", "sad")).about("it rained\\nEmotion: glad", [Demonstration("cake!", "glad")])
>>> print(prompt.messages[1]["content"])
Emotions: glad, sad
<BLANKLINE>
Text: cake!
Emotion: glad
<BLANKLINE>
Text: it rained Emotion: glad
Emotion:
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

Subject = Literal["text", "situation", "comment"]
Message = dict[str, str]


def one_line(text: str) -> str:
    """``text`` on one line: whatever it looks like, in a prompt it is data and forms no line of its own.

    >>> one_line("fine\\n\\nEmotion:\\u2028 joy ")
    'fine Emotion: joy'
    """
    return " ".join(text.split())


@dataclass(frozen=True)
class Demonstration:
    """A training text and the name of its label."""

    text: str
    label: str


@dataclass(frozen=True)
class Wording:
    """How any text is asked about.

    Attributes:
        labels: label names, in the order in which they are listed.
        subject: what the texts are.
        definitions: ``name: description`` of each label, to be listed instead of the names; empty for the names alone.
    """

    labels: tuple[str, ...]
    subject: Subject = "text"
    definitions: tuple[str, ...] = ()

    def about(self, text: str, demonstrations: Sequence[Demonstration] = ()) -> Prompt:
        """The prompt for ``text``; every text in it is put on one line."""
        shown = tuple(Demonstration(one_line(shot.text), shot.label) for shot in demonstrations)
        return Prompt(self, one_line(text), shown)

    def messages(self, prompt: Prompt) -> list[Message]:
        """The prompt as a chat."""
        raise NotImplementedError

    def raw(self, prompt: Prompt) -> str | None:
        """The prompt as the very text that a local model reads; None where the model's own chat template makes it from the messages."""
        raise NotImplementedError

    @property
    def _listed(self) -> str:
        return (
            "\n" + "\n".join(f"- {one_line(line)}" for line in self.definitions)
            if self.definitions
            else " " + ", ".join(self.labels)
        )


@dataclass(frozen=True)
class Prompt:
    """A text to judge, with what is asked about it.

    Attributes:
        wording: how it is asked about.
        text: the text, on one line.
        demonstrations: labelled examples, the farthest from the text first.
    """

    wording: Wording
    text: str
    demonstrations: tuple[Demonstration, ...] = ()

    @property
    def messages(self) -> list[Message]:
        """The prompt as a chat: dicts of role and content."""
        return self.wording.messages(self)

    @property
    def raw(self) -> str | None:
        """The prompt as the text that a local model reads; None where its own chat template makes it."""
        return self.wording.raw(self)

    @cached_property
    def key(self) -> str:
        """A hash of all that is asked."""
        return hashlib.sha256(json.dumps([type(self.wording).__name__, self.raw or self.messages]).encode()).hexdigest()

    def without_farthest(self) -> Prompt:
        """The same prompt without the demonstration that is farthest from the text."""
        return replace(self, demonstrations=self.demonstrations[1:])


@dataclass(frozen=True)
class Chat(Wording):
    """A system message with the task, a user message with the labels, the demonstrations and the text; in words of our own."""

    TASKS: ClassVar[dict[Subject, str]] = {
        "text": "Name the one emotion of the list that fits the writer's feeling in the text best",
        "situation": "Somebody describes what happened to them; name the one emotion of the list that fits the writer's feeling in this "
        "situation best",
        "comment": "You are shown a comment from Reddit; name the one emotion of the list that fits what its writer expresses best",
    }

    def messages(self, prompt: Prompt) -> list[Message]:
        """System and user."""
        task = f"{self.TASKS[self.subject]}. Answer with exactly one label from the list, spelled as there, and with nothing else."
        shots = [f"Text: {shot.text}\nEmotion: {shot.label}" for shot in prompt.demonstrations]
        question = "\n\n".join([f"Emotions:{self._listed}", *shots, f"Text: {prompt.text}\nEmotion:"])
        return [{"role": "system", "content": task}, {"role": "user", "content": question}]

    def raw(self, prompt: Prompt) -> None:
        """The model's own template."""


@dataclass(frozen=True)
class EmoLLaMA(Wording):
    """The form in which the EmoLLaMA checkpoints read instructions (Liu et al. 2024; the form at inference), in words of our own."""

    TASKS: ClassVar[dict[Subject, str]] = {
        "text": "Choose the single emotion that fits the writer's feeling in the text best, out of these:",
        "situation": "Choose the single emotion that fits the writer's feeling in the described situation best, out of these:",
        "comment": "Choose the single emotion that fits what the writer of the Reddit comment expresses best, out of these:",
    }
    CUE: ClassVar[str] = "This text contains emotions:"

    def messages(self, prompt: Prompt) -> list[Message]:
        """The instruction as the user's message, for servers that put a template around it themselves."""
        shots = [f"Text: {shot.text}\n{self.CUE} {shot.label}" for shot in prompt.demonstrations]
        task = f"Task: {self.TASKS[self.subject]}{self._listed}"
        return [{"role": "user", "content": "\n".join([task, *shots, f"Text: {prompt.text}\n{self.CUE}"])}]

    def raw(self, prompt: Prompt) -> str:
        """The instruction between ``Human:``, with a space after it, and ``Assistant:``, without one, unlike in training."""
        return f"Human: \n{self.messages(prompt)[0]['content']}\n\nAssistant:\n"
