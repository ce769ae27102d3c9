"""Prompts: the task, the list of labels, labelled examples, and the text.

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

from fecbench_llm.parsing import NO_LABEL

Subject = Literal["text", "situation", "comment"]
Message = dict[str, str]


def one_line(text: str) -> str:
    """Put ``text`` on one line, so that no line of it can pass for a line of the prompt.

    >>> one_line("fine\\n\\nEmotion:\\u2028 joy ")
    'fine Emotion: joy'
    """
    return " ".join(text.split())


@dataclass(frozen=True)
class Demonstration:
    """A training text and the answer that it should get: the name of its label, or of its labels."""

    text: str
    label: str


@dataclass(frozen=True)
class Wording:
    """The wording of prompts, the same for all texts.

    Attributes:
        labels: label names in the order of the list.
        subject: kind of the texts.
        definitions: ``name: description`` of each label, listed instead of the names; empty to list the
            names alone.
        several: ask for all labels that fit, instead of one.
    """

    labels: tuple[str, ...]
    subject: Subject = "text"
    definitions: tuple[str, ...] = ()
    several: bool = False

    def about(self, text: str, demonstrations: Sequence[Demonstration] = ()) -> Prompt:
        """Return the prompt for ``text``, with every text in it on one line."""
        shown = tuple(Demonstration(one_line(shot.text), shot.label) for shot in demonstrations)
        return Prompt(self, one_line(text), shown)

    def messages(self, prompt: Prompt) -> list[Message]:
        """Return the prompt as chat messages."""
        raise NotImplementedError

    def raw(self, prompt: Prompt) -> str | None:
        """Return the exact text for a local model, or None to apply the model's chat template to the messages."""
        raise NotImplementedError

    @property
    def _label_list(self) -> str:
        if self.definitions:
            return "\n" + "\n".join(f"- {one_line(line)}" for line in self.definitions)
        return " " + ", ".join(self.labels)


@dataclass(frozen=True)
class Prompt:
    """A prompt for one text.

    Attributes:
        wording: wording of the prompt.
        text: the text, on one line.
        demonstrations: labelled examples, the farthest from the text first.
    """

    wording: Wording
    text: str
    demonstrations: tuple[Demonstration, ...] = ()

    @property
    def messages(self) -> list[Message]:
        """Return the prompt as chat messages, dicts with role and content."""
        return self.wording.messages(self)

    @property
    def raw(self) -> str | None:
        """Return the exact text for a local model, or None to apply the model's chat template."""
        return self.wording.raw(self)

    @cached_property
    def key(self) -> str:
        """Return a hash of the whole prompt, under which its answer is stored."""
        return hashlib.sha256(json.dumps([type(self.wording).__name__, self.raw or self.messages]).encode()).hexdigest()

    def without_farthest(self) -> Prompt:
        """Return the prompt without the demonstration that is farthest from the text."""
        return replace(self, demonstrations=self.demonstrations[1:])


@dataclass(frozen=True)
class Chat(Wording):
    """A system message with the task, and a user message with labels, demonstrations and text; own wording."""

    TASKS: ClassVar[dict[Subject, str]] = {
        "text": "Name the one emotion of the list that fits the writer's feeling in the text best",
        "situation": "Somebody describes what happened to them; name the one emotion of the list that fits the "
        "writer's feeling in this situation best",
        "comment": "You are shown a comment from Reddit; name the one emotion of the list that fits what its writer "
        "expresses best",
    }
    SEVERAL_TASKS: ClassVar[dict[Subject, str]] = {
        "text": "Name the emotions of the list that the writer feels in the text",
        "situation": "Somebody describes what happened to them; name the emotions of the list that the writer feels in "
        "this situation",
        "comment": "You are shown a comment from Reddit; name the emotions of the list that its writer expresses",
    }

    def messages(self, prompt: Prompt) -> list[Message]:
        """Return the system message and the user message."""
        cue = "Emotions:" if self.several else "Emotion:"
        shots = [f"Text: {shot.text}\n{cue} {shot.label}" for shot in prompt.demonstrations]
        question = "\n\n".join([f"Emotions:{self._label_list}", *shots, f"Text: {prompt.text}\n{cue}"])
        return [{"role": "system", "content": self._task}, {"role": "user", "content": question}]

    def raw(self, prompt: Prompt) -> None:
        """Return None: the model's own chat template formats the messages."""

    @property
    def _task(self) -> str:
        if self.several:
            return (
                f"{self.SEVERAL_TASKS[self.subject]}. Answer with one label from the list or with several, separated "
                f"by commas and spelled as there, and with nothing else; if no label fits, answer {NO_LABEL}."
            )
        return (
            f"{self.TASKS[self.subject]}. Answer with exactly one label from the list, spelled as there, "
            "and with nothing else."
        )


@dataclass(frozen=True)
class EmoLLaMA(Wording):
    """The instruction format of the EmoLLaMA checkpoints at inference (Liu et al. 2024), in fecbench's own wording."""

    TASKS: ClassVar[dict[Subject, str]] = {
        "text": "Choose the single emotion that fits the writer's feeling in the text best, out of these:",
        "situation": "Choose the single emotion that fits the writer's feeling in the described situation best, "
        "out of these:",
        "comment": "Choose the single emotion that fits what the writer of the Reddit comment expresses best, "
        "out of these:",
    }
    SEVERAL_TASKS: ClassVar[dict[Subject, str]] = {
        "text": "Choose all emotions that the writer feels in the text, out of these:",
        "situation": "Choose all emotions that the writer feels in the described situation, out of these:",
        "comment": "Choose all emotions that the writer of the Reddit comment expresses, out of these:",
    }
    CUE: ClassVar[str] = "This text contains emotions:"

    def messages(self, prompt: Prompt) -> list[Message]:
        """Return the instruction as a user message, for servers that apply a template themselves."""
        shots = [f"Text: {shot.text}\n{self.CUE} {shot.label}" for shot in prompt.demonstrations]
        tasks = self.SEVERAL_TASKS if self.several else self.TASKS
        task = f"Task: {tasks[self.subject]}{self._label_list}"
        return [{"role": "user", "content": "\n".join([task, *shots, f"Text: {prompt.text}\n{self.CUE}"])}]

    def raw(self, prompt: Prompt) -> str:
        """Return the instruction between ``Human: `` and ``Assistant:``.

        ``Assistant:`` has no space after it, as in the released inference code; the training code has one.
        """
        return f"Human: \n{self.messages(prompt)[0]['content']}\n\nAssistant:\n"
