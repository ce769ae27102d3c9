"""The CDP+MLM objective: each step is either on texts (classification) or on pairs (auxiliary tasks)."""

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
from fecbench_cdp.pairs import definition_column, paired, paired_label_sets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from fecbench import LanguageHead, Material, Stream, Tokens


LEAST_RHO = 0.01  # below it one step on texts would come with 100 and more steps on pairs


class CDPMLMConfig(Config):
    """Options of ``cdp-mlm``."""

    rho: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the steps that train on texts, each text once per epoch; the other steps train on pairs "
        "of a text and a definition. 0: no steps on texts",
    )
    cdp: bool = Field(
        True, description="class definition prediction: predict whether a definition is that of the text's label"
    )
    mlm: bool = Field(True, description="masked language modelling: restore masked tokens of the pairs")
    masking: float = Field(0.15, gt=0, lt=1, description="probability that a token is chosen for restoring")
    mlm_head: Literal["pretrained", "random"] = Field(
        "pretrained",
        description="head for masked tokens; pretrained: the encoder family's, tied to the word embeddings, random: a "
        "new one with output embeddings of its own (as released)",
    )
    main_loss: Literal["softmax", "sigmoid"] = Field(
        "softmax",
        description="classification loss; softmax: cross-entropy, with several labels a text the sum of their binary "
        "cross-entropies; sigmoid: the mean of the labels' binary cross-entropies, the original's loss",
    )

    @field_validator("rho")
    @classmethod
    def _steps_can_be_made(cls, rho: float) -> float:
        if 0 < rho < LEAST_RHO:
            raise ValueError(
                f"must be 0 or at least {LEAST_RHO}; "
                f"a smaller share means {1 / LEAST_RHO:.0f} and more steps on pairs for one on texts"
            )
        return rho

    @property
    def reads_texts(self) -> bool:
        """Return True if there are steps on texts; without an auxiliary term all steps are."""
        return self.rho > 0 or not (self.cdp or self.mlm)

    @property
    def pairs_per_text(self) -> float:
        """Return the mean number of batches of pairs per batch of texts; 1 if rho is 0."""
        if not (self.cdp or self.mlm):
            return 0.0
        return (1 - self.rho) / self.rho if self.rho else 1.0


class CDPMLM(Objective):
    """Cross-entropy on texts; class definition prediction and masked language modelling on text-definition pairs."""

    Config = CDPMLMConfig
    config: CDPMLMConfig
    labellings = ("single", "multi")
    special: Tensor
    words: Tensor
    # The authors' ten epochs count the steps of both kinds; at rho 0.5 they read each text five times.
    settings: ClassVar = {"head": "pooled", "epochs": 5, "warmup": 0.1, "clip": 1.0, "weight_decay": 0.0}
    display = "CDP+MLM"
    citation = "Singh, Brahma, Rai and Modi 2024, Fine-Grained Emotion Prediction by Modeling Emotion Definitions"

    def __init__(self, config: CDPMLMConfig, task: Task):
        super().__init__(config, task)
        tokenizer = cast("PreTrainedTokenizerBase", task.tokenizer)
        if tokenizer.sep_token_id is None or tokenizer.mask_token_id is None:
            raise FecbenchError(
                "cdp-mlm needs an encoder that reads pairs and masked words, but its tokenizer has no separator or no "
                "mask; choose a masked language model, such as BERT or RoBERTa"
            )
        self.definition = nn.Linear(task.features, 2) if config.cdp else None
        self.language: LanguageHead | UntiedHead | None = None
        if config.mlm:
            untied = config.mlm_head == "random"
            self.language = UntiedHead(task.hidden, len(tokenizer)) if untied else task.new_language_head()
        for module in (self.definition, self.language):
            if module is not None:
                module.requires_grad_(config.rho < 1)  # rho 1 makes no step on pairs
        special = torch.tensor(sorted(set(tokenizer.all_special_ids)))
        words = torch.arange(len(tokenizer))
        # Buffers, so that they move with the module; not saved, because the tokenizer gives them again.
        self.register_buffer("special", special, persistent=False)
        self.register_buffer("words", words[~torch.isin(words, special)], persistent=False)

    @classmethod
    def reads_labels(cls, config: CDPMLMConfig) -> bool:
        """Return True if definitions are read, which only steps on pairs do."""
        return config.rho < 1 and (config.cdp or config.mlm)

    def streams(self, material: Material) -> Mapping[str, Stream]:
        """Return the stream of text-definition pairs, or none if no step reads pairs.

        Raises:
            FecbenchError: the maximum length has no room for the longest definition and one token of text.
        """
        if not self.config.pairs_per_text:
            return {}
        column = definition_column(self.task.labels, self.task.label_texts, material.tokenizer)
        if (needed := int(column.lengths.max()) + 2) > material.max_length:  # the first token, and one of the text
            raise FecbenchError(
                f"cdp-mlm needs room for a label's whole definition and a text, {needed} tokens, but reads "
                f"{material.max_length}; raise --max-length, or shorten the descriptions of the labels"
            )
        rows = paired if self.task.labelling == "single" else paired_label_sets
        return {"pairs": partial(rows, material, column)}

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield a step on the texts, then the steps on pairs that are due, so that a share rho of all is on texts."""
        if self.config.reads_texts:
            logits = model.classify(model.project(model.encode(batch)))
            yield Update(self.classification(logits, batch), logs={"main_steps": 1.0})
        if self.config.pairs_per_text:
            for pairs in batch.of_stream("pairs", self.config.pairs_per_text):
                yield self.auxiliary(pairs, model)

    def classification(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of a batch of texts with ``logits [B, C]``, a scalar."""
        if self.config.main_loss == "softmax":
            return self.task.nll(logits, batch)
        truth = batch.labels if self.task.labelling == "single" else batch.targets
        return classification_loss(logits, truth, sigmoid=True)

    def auxiliary(self, pairs: Batch, model: Model) -> Update:
        """Return the update ``CDP + MLM`` of a batch of pairs; both terms use one corrupted forward pass."""
        tokens = self.readable(pairs.tokens, model)
        # On several ranks each rank encodes its share of the pairs, whose labels these are.
        known = pairs.labels if pairs.share is None else pairs.labels[pairs.share]
        noise = pairs.generator("masking", tokens.ids.device)
        mask_id = cast("PreTrainedTokenizerBase", self.task.tokenizer).mask_token_id
        masked = mask_tokens(
            tokens.ids, self.special, mask_id, self.words, probability=self.config.masking, generator=noise
        )
        states = model.states(replace(tokens, ids=masked.ids))
        losses = {}
        if self.definition is not None:
            # A rank with an empty share encodes one text without a label here, to join every collective (ADR 5).
            q = model.project(model.pool(states, tokens))[: len(known)]
            losses["cdp"] = mean_cross_entropy(self.definition(q), known)
        if self.language is not None:
            # Passed with each call instead of shared, so that a checkpoint holds them once (ADR 14). Only chosen tokens
            # are scored, about a seventh of all, because each score is a vector as wide as the vocabulary.
            embeddings = model.encoder.network.get_input_embeddings().weight
            losses["mlm"] = mean_cross_entropy(self.language(states[masked.positions], embeddings), masked.targets)
        loss = torch.stack(list(losses.values())).sum()
        return Update(loss, logs={**detached(losses), "main_steps": 0.0})

    def readable(self, tokens: Tokens, model: Model) -> Tokens:
        """Drop the segment ids for encoders without segment embeddings (RoBERTa)."""
        segment_types = getattr(model.encoder.network.config, "type_vocab_size", 1)
        return tokens if segment_types > 1 else replace(tokens, segments=None)


class UntiedHead(nn.Module):
    """A randomly initialised head for masked tokens with output embeddings of its own, as in the released code.

    There the head's name doesn't match the checkpoint's, so that no weights are loaded.
    """

    def __init__(self, hidden: int, words: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden), nn.Linear(hidden, words)
        )

    def forward(self, states: Tensor, embeddings: Tensor) -> Tensor:
        """Return the logits ``[M, V]`` of ``states [M, hidden]``; ``embeddings`` are not used."""
        return cast("Tensor", self.layers(states))


def detached(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses without gradient, for the log."""
    return {name: loss.detach() for name, loss in losses.items()}
