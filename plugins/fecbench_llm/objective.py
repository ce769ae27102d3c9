"""The prompting objective: ask a language model about every text and read its answers as labels, without training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from fecbench import Batch, BatchNeeds, Model, Objective, Stage, Task
from fecbench_llm import backend_selection
from fecbench_llm.backends import LLMError
from fecbench_llm.config import LLMPromptConfig
from fecbench_llm.demonstrations import LabelSetPool, Pool, draw, generator_of, nearest
from fecbench_llm.parsing import NO_ANSWER, Parser
from fecbench_llm.prompts import Chat, EmoLLaMA, Prompt

if TYPE_CHECKING:
    from fecbench_llm.answers import Answer
    from fecbench_llm.backends import Backend
    from fecbench_llm.interview import Interview

SITUATION, COMMENT = {"subject": "situation"}, {"subject": "comment"}
LABEL_SETS = {"multi": "all"}
COMMENT_LABEL_SETS = {**COMMENT, **LABEL_SETS}
SURE = 20.0  # logit of an answered label less that of the others: a probability of almost 1


class LLMPrompt(Objective):
    """Ask a language model for the label of each text, with or without labelled examples."""

    Config = LLMPromptConfig
    config: LLMPromptConfig
    rows: Tensor
    labellings = ("single", "multi")
    trains = False
    needs = BatchNeeds(texts=True)
    settings: ClassVar = {"encoder": "none", "head": "linear"}
    presets: ClassVar = {
        **dict.fromkeys(("ed", "ed-prepared"), SITUATION),
        **dict.fromkeys(("ge", "ge-prepared"), COMMENT),
        **dict.fromkeys(("ge-multi", "ge-ekman", "ge-sentiment"), COMMENT_LABEL_SETS),
        "demo-multi": LABEL_SETS,
    }
    # The fake backend refuses a likelihood and a file of answers, which a spec's row may ask for.
    rehearsal: ClassVar = {"backend": "fake", "score": "answer", "answers": ""}
    display = "LLM prompt"
    citation = "Brown et al. 2020, Language Models are Few-Shot Learners; EmoLLaMA: Liu et al. 2024, EmoLLMs"

    def __init__(self, config: LLMPromptConfig, task: Task):
        super().__init__(config, task)
        _check_labels(config, task)
        self.parse = Parser(task.labels, config.multi)
        wording = EmoLLaMA if config.preset == "emollama" else Chat
        definitions = task.label_texts if config.definitions else ()
        self.wording = wording(task.labels, config.subject, definitions, config.multi == "all")
        self.register_buffer("rows", torch.full((config.shots,), -1))  # training rows of fixed demonstrations
        self.stage: Stage | None = None  # None outside a run
        self.pool: Pool | None = None
        self.prompt_of: dict[str, Prompt] = {}  # by text
        self.used: dict[str, Answer] = {}  # by prompt, for the report

    @classmethod
    def gives_scores(cls, config: LLMPromptConfig) -> bool:
        """Return True if the logits are likelihoods; those of an answer tell its labels alone."""
        return config.score == "likelihood"

    @classmethod
    def reads_labels(cls, config: object) -> bool:  # noqa: ARG003
        """Return True, since every prompt lists the labels."""
        return True

    @classmethod
    def unmet(cls) -> str:
        """Return a message if the environment names no endpoint or no model; rows of a spec may name them instead."""
        return backend_selection.unmet()

    @classmethod
    def check_consent(cls, config: LLMPromptConfig, from_file: Set[str]) -> None:
        """Raise LLMError if only the spec names the server or the variable of the key."""
        backend_selection.check_spec(config, from_file)

    @classmethod
    def scored(cls, config: object) -> tuple[str, ...]:  # noqa: ARG003
        """Return the test split alone: validation rows would choose nothing, and answers cost money."""
        return ("test",)

    def notes(self) -> Sequence[str]:
        """Return a note if a text can have several labels and gets one."""
        if self.task.labelling == "single" or self.config.multi == "all":
            return ()
        return (
            f"--multi {self.config.multi} gives a text one label at most, and texts of {self.task.dataset} can have "
            "several; --multi all gives all that an answer names",
        )

    def before_training(self, stage: Stage) -> None:
        """Check that the model can be asked, and draw the fixed demonstrations."""
        self.stage = stage
        self.pool = self._pool(stage)
        self.interview  # noqa: B018  raises now, before any other work, if a package, key or endpoint is missing
        if self.config.demonstrations == "fixed":
            labels = self.pool.labels
            rows = draw(
                labels, np.ones(len(labels), dtype=bool), self.config.shots, np.random.default_rng(self.task.seed)
            )
            self.rows[: len(rows)].copy_(torch.from_numpy(rows))

    def before_predicting(self, texts: Sequence[str]) -> None:
        """Ask about all texts of a split together."""
        self.answers_to(texts)

    def predict(self, batch: Batch, model: Model) -> Tensor:
        """Return logits ``[B, C]`` from the answers; a row of -inf for a text without an answer.

        With ``--score likelihood`` they are the labels' mean log-probabilities.
        """
        assert batch.texts is not None
        return torch.stack([self.logits(answer) for answer in self.answers_to(batch.texts)]).to(batch.rows.device)

    def answers_to(self, texts: Sequence[str]) -> list[Answer]:
        """Return the answer for each of ``texts``; ask for those that are not stored."""
        prompts = self.prompts(texts)
        answers = self.interview.ask(prompts)
        self.used.update((prompt.key, answer) for prompt, answer in zip(prompts, answers, strict=True))
        return answers

    def logits(self, answer: Answer) -> Tensor:
        """Return the logits of one answer, float32 ``[C]``; all -inf if it names no label.

        If a text can have several labels, those of the others are as far below 0 as those of its labels are above.
        """
        no_answer = torch.full((self.task.classes,), -torch.inf)
        if self.config.score == "likelihood":
            return self._read_likelihoods(answer.text) if answer.text else no_answer
        named = self._named(answer.text)
        if named is None:
            return no_answer
        logits = torch.zeros(self.task.classes)
        logits[torch.tensor(named, dtype=torch.int64)] = SURE
        return logits if self.task.labelling == "single" else logits - SURE / 2

    def _named(self, text: str) -> list[int] | None:
        """Return the indices of the labels that an answer names, as ``--multi`` reads it; None for no answer."""
        if self.config.multi == "all":
            return self.parse.all_named(text)
        label = self.parse(text)
        return None if label == NO_ANSWER else [label]

    def _read_likelihoods(self, text: str) -> Tensor:
        """Parse an answer that lists one number per label.

        Raises:
            LLMError: it is something else, as answers of a replayed file may be.
        """
        try:
            scores = torch.tensor(json.loads(text), dtype=torch.float32)
        except (ValueError, TypeError):
            scores = torch.empty(0)
        if scores.shape != (self.task.classes,):
            raise LLMError(
                f"--score likelihood needs answers that are a number for each of {self.task.classes} labels, "
                "but there are others; replay a file that --score likelihood wrote, or leave it out"
            )
        return scores

    def prompts(self, texts: Sequence[str]) -> list[Prompt]:
        """Return the prompt for each of ``texts``.

        Each prompt is built once. Otherwise the nearest examples to a text could change with the batch that
        encodes it.

        Raises:
            LLMError: prompts need demonstrations, and the training rows are not available.
        """
        if new := [text for text in dict.fromkeys(texts) if text not in self.prompt_of]:
            self.prompt_of.update(zip(new, self._new_prompts(new), strict=True))
        return [self.prompt_of[text] for text in texts]

    def _new_prompts(self, texts: Sequence[str]) -> list[Prompt]:
        if not self.config.shots:
            return [self.wording.about(text) for text in texts]
        if self.pool is None:
            raise LLMError(
                "prompts with demonstrations need the training rows, and a run's record holds no texts; "
                "predict from a run with --shots 0"
            )
        features = self._features(texts) if self.config.demonstrations == "nearest" else np.zeros((len(texts), 0))
        chosen = [self._rows(text, feature) for text, feature in zip(texts, features, strict=True)]
        return [self.wording.about(text, self.pool.shown(rows)) for text, rows in zip(texts, chosen, strict=True)]

    def report(self) -> Mapping[str, object]:
        """Return the models that answered, first and last date, token counts, and the training rows shown."""
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
        """Return the backend together with its stored answers."""
        return backend_selection.interview(self.config, self.backend())

    def backend(self) -> Backend:
        """Return the backend to ask; outside a run the options come from a record.

        Raises:
            LLMError: options and environment name no usable backend.
        """
        recorded = self.stage is None
        return backend_selection.select_backend(self.config, self.task.seed, str(self.rows.device), recorded=recorded)

    def _pool(self, stage: Stage) -> Pool:
        """Return the training rows that demonstrations are chosen from."""
        texts, names = stage.texts["train"], self.task.labels
        if self.task.labelling == "single":
            return Pool(texts, stage.labels["train"].numpy(), names)
        return LabelSetPool.of(texts, stage.targets["train"].numpy() > 0.5, names)

    def _rows(self, text: str, feature: np.ndarray) -> Iterable[int]:
        """Return the training rows to show for ``text``, the farthest first, without ``text`` itself."""
        assert self.pool is not None
        allowed, shots = self.pool.others(text), self.config.shots
        if self.config.demonstrations == "nearest":
            return nearest(feature, self._training_features, allowed, shots)
        if self.config.demonstrations == "per_text":
            return draw(self.pool.labels, allowed, shots, generator_of(self.task.seed, text))
        return [row for row in self.rows.tolist() if row >= 0 and allowed[row]]

    @cached_property
    def _training_features(self) -> np.ndarray:
        """Return the encoder's states of the training texts.

        Raises:
            LLMError: the encoder (such as ``none``) gives all texts the same state.
        """
        assert self.pool is not None
        features = self._features(self.pool.texts)
        if not np.ptp(features, axis=0).any():
            raise LLMError(
                "--demonstrations nearest needs an encoder that tells texts apart; "
                "add one, such as --encoder minilm --pooling mean"
            )
        return features

    @torch.no_grad()
    def _features(self, texts: Sequence[str]) -> np.ndarray:
        """Encode texts to states ``[N, hidden]``, in eval mode."""
        assert self.stage is not None
        model = self.stage.model
        was_training = model.training
        model.eval()
        states = [model.encode(batch).float() for batch in self.stage.batches(texts)]
        model.train(was_training)
        return torch.cat(states).cpu().numpy()


def _check_labels(config: LLMPromptConfig, task: Task) -> None:
    """Check that the data's labels fit the options.

    Raises:
        LLMError: they don't.
    """
    if config.multi == "all" and task.labelling == "single":
        raise LLMError(
            f"--multi all reads several labels of an answer, but a text of {task.dataset} has one; "
            "use --multi first or --multi invalid"
        )
    if config.score == "likelihood" and task.labelling == "multi":
        raise LLMError(
            "--score likelihood compares the labels with one another and gives one of them, but a text of "
            f"{task.dataset} can have several; use --score answer --multi all"
        )
