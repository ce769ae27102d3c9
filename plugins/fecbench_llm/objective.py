"""The objective: no training; a language model is asked about every text, and its answers are read as labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from fecbench import Batch, BatchNeeds, Model, Objective, Stage, Task
from fecbench_llm import choosing
from fecbench_llm.backends import LLMError
from fecbench_llm.config import LLMPromptConfig
from fecbench_llm.demonstrations import Pool, draw, generator_of, nearest
from fecbench_llm.parsing import NO_ANSWER, Parser
from fecbench_llm.prompts import Chat, EmoLLaMA, Prompt

if TYPE_CHECKING:
    from fecbench_llm.answers import Answer
    from fecbench_llm.asking import Interview
    from fecbench_llm.backends import Backend

SUBJECTS = {"situation": ("ed", "ed-prepared"), "comment": ("ge", "ge-prepared")}
SURE = 20.0  # the logit of an answer beside 0 for the other labels: a probability of almost 1


class LLMPrompt(Objective):
    """Ask a language model for the label of each text, with or without labelled examples."""

    Config = LLMPromptConfig
    config: LLMPromptConfig
    rows: Tensor
    trains = False
    needs = BatchNeeds(texts=True)
    settings: ClassVar = {"encoder": "none", "head": "linear"}
    presets: ClassVar = {name: {"subject": subject} for subject, names in SUBJECTS.items() for name in names}
    rehearsal: ClassVar = {"backend": "fake", "score": "answer", "answers": ""}
    citation = "Brown et al. 2020, Language Models are Few-Shot Learners; EmoLLaMA: Liu et al. 2024, EmoLLMs"

    def __init__(self, config: LLMPromptConfig, task: Task):
        super().__init__(config, task)
        self.parse = Parser(task.labels, config.multi)
        form = EmoLLaMA if config.preset == "emollama" else Chat
        self.wording = form(task.labels, config.subject, task.label_texts if config.definitions else ())
        self.register_buffer("rows", torch.full((config.shots,), -1))  # training rows of fixed demonstrations
        self.stage: Stage | None = None
        self.pool: Pool | None = None
        self.made: dict[str, Prompt] = {}
        self.used: dict[str, Answer] = {}

    @classmethod
    def reads_labels(cls, config: object) -> bool:  # noqa: ARG003
        """Every prompt lists the labels."""
        return True

    @classmethod
    def unmet(cls) -> str:
        """An endpoint and a model, by the environment; a spec's own rows can name them instead."""
        return choosing.unmet()

    @classmethod
    def check_consent(cls, config: LLMPromptConfig, from_file: Set[str]) -> None:
        """Refuse a server or a key's variable that a spec alone names."""
        choosing.check_spec(config, from_file)

    @classmethod
    def scored(cls, config: object) -> tuple[str, ...]:  # noqa: ARG003
        """The test rows alone: there is nothing to choose by validation, and answers cost."""
        return ("test",)

    def before_training(self, stage: Stage) -> None:
        """See that the model can be asked, and choose the fixed demonstrations."""
        self.stage = stage
        self.pool = Pool(stage.texts["train"], stage.labels["train"].numpy(), self.task.labels)
        self.interview  # noqa: B018  what is missing is said before anything else is done
        if self.config.demonstrations == "fixed":
            labels = self.pool.labels
            rows = draw(
                labels, np.ones(len(labels), dtype=bool), self.config.shots, np.random.default_rng(self.task.seed)
            )
            self.rows[: len(rows)].copy_(torch.from_numpy(rows))

    def before_predicting(self, texts: Sequence[str]) -> None:
        """Have all texts of a split asked about at once."""
        self.answers_to(texts)

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Logits ``[B, C]``: the label that was answered, or the labels' mean log-probabilities; a row of -inf for no answer."""
        assert batch.texts is not None
        return torch.stack([self.logits(answer) for answer in self.answers_to(batch.texts)]).to(batch.labels.device)

    def answers_to(self, texts: Sequence[str]) -> list[Answer]:
        """The answer for each of ``texts``, asked for where none is kept."""
        prompts = self.prompts(texts)
        answers = self.interview.ask(prompts)
        self.used.update((prompt.key, answer) for prompt, answer in zip(prompts, answers, strict=True))
        return answers

    def logits(self, answer: Answer) -> Tensor:
        """What an answer says of each label, float32 ``[C]``."""
        none = torch.full((self.task.classes,), -torch.inf)
        if self.config.score == "likelihood":
            return self._read_likelihoods(answer.text) if answer.text else none
        label = self.parse(answer.text)
        return none if label == NO_ANSWER else SURE * torch.eye(self.task.classes)[label]

    def _read_likelihoods(self, text: str) -> Tensor:
        """Raises LLMError where an answer, of a replayed file perhaps, isn't a number for each label."""
        try:
            scores = torch.tensor(json.loads(text), dtype=torch.float32)
        except (ValueError, TypeError):
            scores = torch.empty(0)
        if scores.shape != (self.task.classes,):
            raise LLMError(
                f"--score likelihood needs answers that are a number for each of {self.task.classes} labels, but there are others; replay "
                "a file that --score likelihood wrote, or leave it out"
            )
        return scores

    def prompts(self, texts: Sequence[str]) -> list[Prompt]:
        """The prompt for each of ``texts``, made once: the nearest examples to a text mustn't hang on the precision or the batch it is in.

        Raises:
            LLMError: it needs demonstrations, and the training rows aren't there.
        """
        if new := [text for text in dict.fromkeys(texts) if text not in self.made]:
            self.made.update(zip(new, self._made(new), strict=True))
        return [self.made[text] for text in texts]

    def _made(self, texts: Sequence[str]) -> list[Prompt]:
        if not self.config.shots:
            return [self.wording.about(text) for text in texts]
        if self.pool is None:
            raise LLMError(
                "prompts with demonstrations need the training rows, and a run's record holds no texts; predict from a run with --shots 0"
            )
        features = self._features(texts) if self.config.demonstrations == "nearest" else np.zeros((len(texts), 0))
        chosen = [self._rows(text, feature) for text, feature in zip(texts, features, strict=True)]
        return [self.wording.about(text, self.pool.shown(rows)) for text, rows in zip(texts, chosen, strict=True)]

    def report(self) -> Mapping[str, object]:
        """Which models answered, when, and how much was read and written; which training rows were shown."""
        answers = list(self.used.values())
        dates = sorted(answer.date for answer in answers)
        return {
            "models": sorted({answer.model for answer in answers}),
            "answered": [dates[0], dates[-1]] if dates else [],
            "prompts": len(answers),
            "shortened": sum(answer.dropped > 0 for answer in answers),
            "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
            "completion_tokens": sum(answer.completion_tokens for answer in answers),
            "demonstrations": [row for row in self.rows.tolist() if row >= 0],
        }

    @cached_property
    def interview(self) -> Interview:
        """Who is asked, and what they have answered before."""
        return choosing.interview(self.config, self.backend())

    def backend(self) -> Backend:
        """Who is asked; without a stage the options are a record's.

        Raises:
            LLMError: nobody can be asked.
        """
        return choosing.backend(self.config, self.task.seed, str(self.rows.device), recorded=self.stage is None)

    def _rows(self, text: str, feature: np.ndarray) -> Iterable[int]:
        """The training rows to show beside ``text``, the farthest first; ``text`` itself is none."""
        assert self.pool is not None
        allowed, shots = self.pool.others(text), self.config.shots
        if self.config.demonstrations == "nearest":
            return nearest(feature, self._training_features, allowed, shots)
        if self.config.demonstrations == "per_text":
            return draw(self.pool.labels, allowed, shots, generator_of(self.task.seed, text))
        return [row for row in self.rows.tolist() if row >= 0 and allowed[row]]

    @cached_property
    def _training_features(self) -> np.ndarray:
        """Raises LLMError where the encoder takes all texts for the same."""
        assert self.pool is not None
        features = self._features(self.pool.texts)
        if not np.ptp(features, axis=0).any():
            raise LLMError(
                "--demonstrations nearest needs an encoder that tells texts apart; add one, such as --encoder minilm --pooling mean"
            )
        return features

    @torch.no_grad()
    def _features(self, texts: Sequence[str]) -> np.ndarray:
        """The encoder's states ``[N, hidden]``."""
        assert self.stage is not None
        model = self.stage.model
        was_training = model.training
        model.eval()
        states = [model.encode(batch).float().cpu() for batch in self.stage.batches(texts)]
        model.train(was_training)
        return torch.cat(states).numpy()
