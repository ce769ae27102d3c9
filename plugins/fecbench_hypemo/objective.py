"""The HypEmo objective: train label vectors first, then encoder and projector jointly (Chen et al. 2023, section 3)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from fecbench import Batch, Config, Model, Objective, Player, Stage, Task, Update
from fecbench_hypemo.losses import hyperbolic_loss, label_distances, weighted_cross_entropy
from fecbench_hypemo.projector import BallProjector
from fecbench_hypemo.tree import BUILT_IN, built_in, tree_for
from fecbench_hypemo.vectors import poincare_vectors

DIM = 100  # coordinates of the released label vectors
ED = {"lr": 1e-5}  # the published rate, for roberta-base
GE = {**ED, "classification_weight": 0.9, "hyperbolic_weight": 0.1, "negatives": 5}


class HypEmoConfig(Config):
    """Options of ``hypemo``; the defaults are those for EmpatheticDialogues."""

    classification_weight: float = Field(1.0, gt=0, description="weight of the distance-weighted cross-entropy (alpha)")
    hyperbolic_weight: float = Field(
        0.25, ge=0, description="weight of the projector's loss in the ball (gamma); 0: the projector is not trained"
    )
    dot: Literal["sum", "mean"] = Field(
        "sum",
        description="reduction of the dot products of texts and label vectors over a batch; sum is the released code's",
    )
    ball_activation: Literal["relu", "none"] = Field(
        "relu",
        description="activation of the hyperbolic layer; relu gives texts no negative coordinate, while half of the "
        "label vectors' coordinates are negative",
    )
    tree: str = Field(
        "auto",
        description='tree of the labels: ed, ge, flat, or a TOML file with lines node = ["child", "child"]; '
        "auto: ed or ge if that tree holds every label, else flat",
    )
    negatives: int = Field(
        10, ge=1, description="negative nodes sampled for each ancestor when the label vectors are trained"
    )
    tree_seed: int = Field(7, ge=0, lt=2**32, description="seed of the label vectors, independent of the run's seed")
    projector_lr: float = Field(0.01, gt=0, description="learning rate of the projector")
    projector_lr_step: Literal["batch", "epoch"] = Field(
        "batch",
        description="halve the projector's learning rate; batch: every ten batches (released code), "
        "epoch: every ten of the published twenty epochs, so once, in the middle of the run",
    )


class HypEmo(Objective):
    """Cross-entropy weighted by the distance of a text to its label in a hyperbolic space of label vectors."""

    Config = HypEmoConfig
    config: HypEmoConfig
    settings: ClassVar = {
        "head": "hypemo",
        "batch_size": 100,
        "epochs": 20,
        "patience": 20,  # no early stopping
        "optimizer": "adam",
        "schedule": "constant",
        "weight_decay": 1e-2,
    }
    presets: ClassVar = {"ed": ED, "ed-prepared": ED, "ge": GE, "ge-prepared": GE}
    display = "HypEmo"
    citation = "Chen, Hung, Hsu, Ku 2023, Label-Aware Hyperbolic Embeddings for Fine-grained Emotion Classification"
    labelling_reason = "it weighs a text by the distance to its one label"
    label_vectors: Tensor

    def __init__(self, config: HypEmoConfig, task: Task):
        super().__init__(config, task)
        self.projector = BallProjector(task.features, task.classes, DIM, config.ball_activation)
        self.register_buffer("label_vectors", torch.full((task.classes, DIM), torch.nan))  # set by before_training

    @classmethod
    def reads_labels(cls, config: HypEmoConfig) -> bool:
        """Return True if label names are looked up in the built-in trees."""
        return config.tree == "auto"

    def notes(self) -> Sequence[str]:
        """Return a note if ``auto`` finds no built-in tree with all labels and uses the flat one."""
        if self.config.tree != "auto" or built_in(self.task.labels):
            return ()
        return (
            f"no built-in tree ({', '.join(BUILT_IN)}) holds every label, so hypemo puts all labels under one node "
            "(--tree flat), which carries no relation between labels; give your own tree with --tree FILE",
        )

    def before_training(self, stage: Stage) -> None:
        """Train the label vectors, or read those of the same tree from the user's cache (stage A)."""
        tree = tree_for(self.task.labels, self.config.tree)
        vectors = poincare_vectors(tree, negatives=self.config.negatives, seed=self.config.tree_seed, dim=DIM)
        self.label_vectors.copy_(vectors[[tree.nodes.index(label) for label in self.task.labels]])

    def players(self) -> Mapping[str, Player]:
        """Return the projector as a player with its own learning rate and schedule."""
        schedule = halved_by_batch if self.config.projector_lr_step == "batch" else halved_by_epoch
        return {
            "projector": Player(
                self.projector.parameters(), lr=self.config.projector_lr, weight_decay=0.0, schedule=schedule
            )
        }

    def updates(self, batch: Batch, model: Model) -> Iterator[Update]:
        """Yield one update of all modules: ``alpha`` weighted CE plus ``gamma`` hyperbolic loss (stage B)."""
        c = self.config
        z = model.project(model.encode(batch))
        # In bf16 no number lies between 0.9961 and 1, the border of the ball.
        with torch.autocast(z.device.type, enabled=False):
            points = self.projector(z.float())
            decoded = self.projector.decode(points)
            weights = label_distances(points, self.label_vectors, batch.labels)
            hyperbolic = hyperbolic_loss(points, decoded, self.label_vectors, batch.labels, reduction=c.dot)
        weighted = weighted_cross_entropy(model.classify(z), batch.labels, weights)
        logs = {
            "weighted_cross_entropy": weighted.detach(),
            "hyperbolic": hyperbolic.detach(),
            "label_distance": weights.mean(),
        }
        loss = c.classification_weight * weighted + c.hyperbolic_weight * hyperbolic
        yield Update(loss, ("model", "projector"), logs)


def halved_by_batch(step: int, steps: int) -> float:  # noqa: ARG001
    """Return the share of the projector's learning rate at batch ``step``, halved every ten batches.

    >>> [halved_by_batch(step, 1000) for step in (0, 9, 10, 35)]
    [1.0, 1.0, 0.5, 0.125]
    """
    # Kept as released, although it freezes the projector: after 200 batches a millionth of the rate is left.
    return 0.5 ** (step // 10)


def halved_by_epoch(step: int, steps: int) -> float:
    """Return the share of the projector's learning rate at batch ``step``, halved in the middle of the run.

    This is every ten epochs of the published twenty, scaled to the number of epochs of the run.

    >>> [halved_by_epoch(step, 1000) for step in (0, 499, 500, 999)]
    [1.0, 1.0, 0.5, 0.5]
    """
    return 0.5 ** (20 * step // steps // 10)
