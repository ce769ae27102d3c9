"""The objective: each step is one of two kinds, on texts for the classifier or on pairs for the auxiliary tasks (Singh et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from fecbench import Batch, Config, FecbenchError, Model, Objective, Task, Update
from fecbench_cdp.losses import classification_loss, mask_tokens, mean_cross_entropy
from fecbench_cdp.pairs import definition_column, paired

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from fecbench import LanguageHead, Material, Stream, Tokens


LEAST_RHO = 0.01


class CDPMLMConfig(Config):
    """Options of ``cdp-mlm``."""

    rho: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the steps that are on texts, each text once in an epoch; pairs of texts and definitions have the rest. "
        "0 leaves the texts out",
    )
    cdp: bool = Field(True, description="tell whether a definition is the text's label's (class definition prediction)")
    mlm: bool = Field(True, description="restore masked tokens of the pairs")
    masking: float = Field(0.15, gt=0, lt=1, description="chance of a token to be chosen for restoring")
    mlm_head: Literal["pretrained", "random"] = Field(
        "pretrained",
        description="the encoder family's head over tied word embeddings; or, as released, a fresh one with embeddings of its own",
    )
    main_loss: Literal["softmax", "sigmoid"] = Field(
        "softmax", description="the classifier's cross-entropy; sigmoid is the original's"
    )

    @field_validator("rho")
    @classmethod
    def _steps_can_be_made(cls, rho: float) -> float:
        if 0 < rho < LEAST_RHO:
            raise ValueError(
                f"0, or {LEAST_RHO} and more, is needed: less means {1 / LEAST_RHO:.0f} steps on pairs and more for one on texts"
            )
        return rho

    @property
    def reads_texts(self) -> bool:
        """Whether texts are read; always where no term is left to learn from pairs."""
        return self.rho > 0 or not (self.cdp or self.mlm)

    @property
    def pairs_per_text(self) -> float:
        """How many batches of pairs go with a batch of texts, on average; one with each where no texts are read."""
        if not (self.cdp or self.mlm):
            return 0.0
        return (1 - self.rho) / self.rho if self.rho else 1.0


class CDPMLM(Objective):
    """Cross-entropy on texts; on pairs, class definition prediction and masked tokens in one pass."""

    Config = CDPMLMConfig
    config: CDPMLMConfig
    special: Tensor
    words: Tensor
    settings: ClassVar = {"head": "pooled", "epochs": 5, "warmup": 0.1, "clip": 1.0, "weight_decay": 0.0}
    citation = "Singh, Brahma, Rai and Modi 2024, Fine-Grained Emotion Prediction by Modeling Emotion Definitions"

    def __init__(self, config: CDPMLMConfig, task: Task):
        super().__init__(config, task)
        tokenizer = cast("PreTrainedTokenizerBase", task.tokenizer)
        if tokenizer.sep_token_id is None or tokenizer.mask_token_id is None:
            raise FecbenchError(
                "cdp-mlm needs an encoder that reads pairs and masked words: its tokenizer must have a separator and a mask"
            )
        self.definition = nn.Linear(task.features, 2) if config.cdp else None
        self.language: LanguageHead | UntiedHead | None = None
        if config.mlm:
            untied = config.mlm_head == "random"
            self.language = UntiedHead(task.hidden, len(tokenizer)) if untied else task.new_language_head()
        for module in (self.definition, self.language):
            if module is not None:
                module.requires_grad_(config.rho < 1)
        special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
        words = torch.arange(len(tokenizer))
        self.register_buffer("special", special, persistent=False)
        self.register_buffer("words", words[~torch.isin(words, special)], persistent=False)

    @classmethod
    def reads_labels(cls, config: CDPMLMConfig) -> bool:
        """Definitions are read where a term learns from pairs."""
        return config.rho < 1 and (config.cdp or config.mlm)

    def streams(self, material: Material) -> Mapping[str, Stream]:
        """Pairs of texts and definitions."""
        column = definition_column(self.task.labels, self.task.label_texts, material.tokenizer)
        if (needed := int(column.lengths.max()) + 2) > material.max_length:  # the first token, and one of the text
            raise FecbenchError(
                f"cdp-mlm needs room for a label's whole definition and a text, {needed} tokens, but reads {material.max_length}; raise "
                "--max-length, or shorten the descriptions of the labels"
            )
        return {"pairs": partial(paired, material, column)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """A step on the texts, then the steps on pairs that are due, so that rho of all steps are on texts."""
        if self.config.reads_texts:
            logits = model.classify(model.project(model.encode(batch)))
            yield Update(
                classification_loss(logits, batch.labels, self.config.main_loss == "sigmoid"), logs={"main_steps": 1.0}
            )
        if self.config.pairs_per_text:
            for pairs in batch.of_stream("pairs", self.config.pairs_per_text):
                yield self.auxiliary(pairs, model)

    def auxiliary(self, pairs: Batch, model: Model) -> Update:
        """Both auxiliary losses on the same corrupted pairs."""
        tokens, known = (
            self.readable(pairs.tokens, model),
            pairs.labels if pairs.share is None else pairs.labels[pairs.share],
        )
        noise = pairs.generator("masking", tokens.ids.device)
        mask_id = cast("PreTrainedTokenizerBase", self.task.tokenizer).mask_token_id
        masked = mask_tokens(
            tokens.ids, self.special, mask_id, self.words, probability=self.config.masking, generator=noise
        )
        states = model.states(replace(tokens, ids=masked.ids))
        losses = {}
        if self.definition is not None:
            q = model.project(model.pool(states, tokens))[: len(known)]
            losses["cdp"] = mean_cross_entropy(self.definition(q), known)
        if self.language is not None:
            embeddings = model.encoder.network.get_input_embeddings().weight
            losses["mlm"] = mean_cross_entropy(self.language(states[masked.places], embeddings), masked.targets)
        return Update(
            sum(losses.values(), torch.zeros((), device=states.device)), logs={**detached(losses), "main_steps": 0.0}
        )

    def readable(self, tokens: Tokens, model: Model) -> Tokens:
        """Segments only for encoders that tell them apart."""
        kinds = getattr(model.encoder.network.config, "type_vocab_size", 1)
        return tokens if kinds > 1 else replace(tokens, segments=None)


class UntiedHead(nn.Module):
    """A fresh head with word embeddings of its own, as released: its name doesn't match the checkpoint's, so that nothing is loaded."""

    def __init__(self, hidden: int, words: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden), nn.Linear(hidden, words)
        )

    def forward(self, states: Tensor, embeddings: Tensor) -> Tensor:
        """``states [M, hidden]`` to logits ``[M, V]``."""
        return cast("Tensor", self.layers(states))


def detached(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """For the history."""
    return {name: loss.detach() for name, loss in losses.items()}
