"""From a plan to what it trains: rows, tokens, model, objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from accelerate.utils import set_seed
from platformdirs import user_cache_path

from fecbench import encoders
from fecbench.batching import tokenise
from fecbench.heads import HeadTask
from fecbench.model import build_model
from fecbench.objective import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from fecbench.batching import TokenisedSplit
    from fecbench.datasets.core import EmotionData
    from fecbench.encoders import EncoderSource
    from fecbench.model import Model
    from fecbench.objective import Objective
    from fecbench.planning import Plan

LONGEST = 10**6


@dataclass(frozen=True)
class Built:
    """What a plan becomes before training; ``notes`` say what was left out, cut or done otherwise than asked."""

    source: EncoderSource
    splits: dict[str, TokenisedSplit]
    model: Model
    objective: Objective
    max_length: int
    notes: tuple[str, ...]


def build(plan: Plan, data: EmotionData, device: torch.device) -> Built:
    """Encoder, tokens, model and objective of ``plan`` on ``data``; fresh weights are a function of the seed.

    Raises:
        EncoderError: the encoder can't be had or has no such head.
        UsageError: head and pooling don't fit.
    """
    settings = plan.settings
    notes = [data.info.note] if data.info.note else []
    train = data.splits["train"]
    if settings.limit is not None and settings.limit < len(train):
        notes.append(f"LIMITED to the first {settings.limit:,} of {len(train):,} training rows: not a benchmark result")
        train = train.select(range(settings.limit))
    source = encoders.named(settings.encoder)(train["text"][:])
    model, objective = build_pair(plan, source, data.labels, data.label_texts, data.name)
    longest = longest_text(source, model)
    if settings.max_length > longest:
        notes.append(f"--max-length {settings.max_length} is more than encoder {source.name} takes; texts are read to {longest} tokens")
    max_length = min(settings.max_length, longest)
    columns = {"train": ("text", *plan.objective.needs.columns), "validation": ("text",), "test": ("text",)}
    cache = user_cache_path("fecbench") / "tokens"
    rows = {**data.splits, "train": train}
    splits = {
        split: tokenise(rows[split], names, source.tokenizer, max_length, cache, plan.objective.needs.texts)
        for split, names in columns.items()
    }
    notes += [
        f"{column.cut:,} of {len(tokens):,} {split} texts ({name}) were cut to {max_length} tokens"
        for split, tokens in splits.items()
        for name, column in tokens.columns.items()
        if column.cut
    ]
    if settings.packing and not model.encoder.packs:
        notes.append(f"encoder {source.name} can't be packed (its attention isn't replaceable); batches are padded, which is slower")
    if settings.compile:
        model.encoder.network.compile(dynamic=True)
    return Built(source, splits, model.to(device).fold(), objective.to(device), max_length, tuple(notes))


def build_pair(
    plan: Plan, source: EncoderSource, labels: Sequence[str], label_texts: Sequence[str], dataset: str
) -> tuple[Model, Objective]:
    """Model and objective with fresh weights, a function of the seed, except where ``source`` brings its own."""
    settings = plan.settings
    set_seed(settings.seed)
    head_task = HeadTask(labels, label_texts, settings.projection_dim)
    model = build_model(source, settings.head, head_task, settings.pooling, settings.packing)
    hidden = int(model.encoder.network.config.hidden_size)
    task = Task(dataset, tuple(labels), tuple(label_texts), hidden, model.head.features, settings.seed)
    return model, plan.objective(plan.options, task)


def longest_text(source: EncoderSource, model: Model) -> int:
    """The most tokens of a text that the encoder takes, by its positions and its tokenizer."""
    positions = getattr(source.config, "max_position_embeddings", None)
    limits = [source.tokenizer.model_max_length]
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - model.encoder.first_position)
    return min(*limits, LONGEST)
