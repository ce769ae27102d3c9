"""fecbench: compare training objectives for fine-grained emotion classification.

The names below are what plugins may import; nothing heavier than this file is loaded until one is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fecbench.api.predictions import Predictions as Predictions
    from fecbench.api.run import Run as Run
    from fecbench.api.run import load as load
    from fecbench.api.runs import Runs as Runs
    from fecbench.api.runs import load_runs as load_runs
    from fecbench.api.runs import run_spec as run_spec
    from fecbench.api.train import run as run
    from fecbench.core.errors import FecbenchError as FecbenchError
    from fecbench.core.hooks import RunInfo as RunInfo
    from fecbench.core.hooks import hookimpl as hookimpl
    from fecbench.core.options import PATH as PATH
    from fecbench.core.paths import expanded as expanded
    from fecbench.core.settings import Config as Config
    from fecbench.core.tensor_cache import cached_on_disk as cached_on_disk
    from fecbench.data.batch import Batch as Batch
    from fecbench.data.batch import BatchNeeds as BatchNeeds
    from fecbench.data.batch import LabelSetBatch as LabelSetBatch
    from fecbench.data.batches import TokenisedSplit as TokenisedSplit
    from fecbench.data.datasets.dataset import DatasetInfo as DatasetInfo
    from fecbench.data.datasets.dataset import EmotionData as EmotionData
    from fecbench.data.datasets.locations import Places as Places
    from fecbench.data.datasets.locations import Source as Source
    from fecbench.data.datasets.recipe import Recipe as Recipe
    from fecbench.data.forms import Form as Form
    from fecbench.data.streams import Material as Material
    from fecbench.data.streams import Stream as Stream
    from fecbench.data.tokenize import TokenColumn as TokenColumn
    from fecbench.data.tokens import Tokens as Tokens
    from fecbench.model.encoders.source import EncoderSource as EncoderSource
    from fecbench.model.family_heads import LanguageHead as LanguageHead
    from fecbench.model.heads import Head as Head
    from fecbench.model.heads import HeadTask as HeadTask
    from fecbench.model.model import Model as Model
    from fecbench.model.model import label_states as label_states
    from fecbench.objective.clustering import kmeans_clusters as kmeans_clusters
    from fecbench.objective.contrastive import anchor_losses as anchor_losses
    from fecbench.objective.contrastive import clustered_contrastive_loss as clustered_contrastive_loss
    from fecbench.objective.contrastive import clustered_pairs as clustered_pairs
    from fecbench.objective.contrastive import graded_clustered_contrastive_loss as graded_clustered_contrastive_loss
    from fecbench.objective.contrastive import graded_clustered_pairs as graded_clustered_pairs
    from fecbench.objective.contrastive import mean_of_anchors as mean_of_anchors
    from fecbench.objective.contrastive import similarities as similarities
    from fecbench.objective.imbalanced_losses import asymmetric_nll as asymmetric_nll
    from fecbench.objective.imbalanced_losses import focal_nll as focal_nll
    from fecbench.objective.label_overlap import LabelOverlap as LabelOverlap
    from fecbench.objective.label_overlap import OverlapConfig as OverlapConfig
    from fecbench.objective.label_separation import label_pair_weights as label_pair_weights
    from fecbench.objective.label_separation import label_separation_loss as label_separation_loss
    from fecbench.objective.objective import Objective as Objective
    from fecbench.objective.overlap import background_pairs as background_pairs
    from fecbench.objective.overlap import cooccurrence_kernel as cooccurrence_kernel
    from fecbench.objective.overlap import overlap as overlap
    from fecbench.objective.protocol import Player as Player
    from fecbench.objective.protocol import Stage as Stage
    from fecbench.objective.protocol import Task as Task
    from fecbench.objective.protocol import Update as Update
    from fecbench.results.leaderboard.board import Board as Board
    from fecbench.runs.find import find_run as find_run
    from fecbench.runs.predictor import Predictor as Predictor
    from fecbench.runs.predictor import data_of as data_of
    from fecbench.runs.record import Record as Record
    from fecbench.terminal.output import print_json as print_json
    from fecbench.terminal.output import print_table as print_table
    from fecbench.terminal.step_progress import StepProgress as StepProgress
    from fecbench.training.metric import Metric as Metric

_HOMES = {
    "Batch": "data.batch",
    "BatchNeeds": "data.batch",
    "Board": "results.leaderboard.board",
    "Config": "core.settings",
    "DatasetInfo": "data.datasets.dataset",
    "EmotionData": "data.datasets.dataset",
    "EncoderSource": "model.encoders.source",
    "FecbenchError": "core.errors",
    "Form": "data.forms",
    "Head": "model.heads",
    "HeadTask": "model.heads",
    "LabelOverlap": "objective.label_overlap",
    "LabelSetBatch": "data.batch",
    "LanguageHead": "model.family_heads",
    "Material": "data.streams",
    "Metric": "training.metric",
    "Model": "model.model",
    "Objective": "objective.objective",
    "OverlapConfig": "objective.label_overlap",
    "PATH": "core.options",
    "Places": "data.datasets.locations",
    "Player": "objective.protocol",
    "Predictions": "api.predictions",
    "Predictor": "runs.predictor",
    "Recipe": "data.datasets.recipe",
    "Record": "runs.record",
    "Run": "api.run",
    "RunInfo": "core.hooks",
    "Runs": "api.runs",
    "Source": "data.datasets.locations",
    "Stage": "objective.protocol",
    "StepProgress": "terminal.step_progress",
    "Stream": "data.streams",
    "Task": "objective.protocol",
    "TokenColumn": "data.tokenize",
    "TokenisedSplit": "data.batches",
    "Tokens": "data.tokens",
    "Update": "objective.protocol",
    "anchor_losses": "objective.contrastive",
    "asymmetric_nll": "objective.imbalanced_losses",
    "background_pairs": "objective.overlap",
    "cached_on_disk": "core.tensor_cache",
    "clustered_contrastive_loss": "objective.contrastive",
    "clustered_pairs": "objective.contrastive",
    "cooccurrence_kernel": "objective.overlap",
    "data_of": "runs.predictor",
    "expanded": "core.paths",
    "find_run": "runs.find",
    "focal_nll": "objective.imbalanced_losses",
    "graded_clustered_contrastive_loss": "objective.contrastive",
    "graded_clustered_pairs": "objective.contrastive",
    "hookimpl": "core.hooks",
    "kmeans_clusters": "objective.clustering",
    "label_pair_weights": "objective.label_separation",
    "label_separation_loss": "objective.label_separation",
    "label_states": "model.model",
    "load": "api.run",
    "load_runs": "api.runs",
    "mean_of_anchors": "objective.contrastive",
    "overlap": "objective.overlap",
    "print_json": "terminal.output",
    "print_table": "terminal.output",
    "run": "api.train",
    "run_spec": "api.runs",
    "similarities": "objective.contrastive",
}

__all__ = [
    "PATH",
    "Batch",
    "BatchNeeds",
    "Board",
    "Config",
    "DatasetInfo",
    "EmotionData",
    "EncoderSource",
    "FecbenchError",
    "Form",
    "Head",
    "HeadTask",
    "LabelOverlap",
    "LabelSetBatch",
    "LanguageHead",
    "Material",
    "Metric",
    "Model",
    "Objective",
    "OverlapConfig",
    "Places",
    "Player",
    "Predictions",
    "Predictor",
    "Recipe",
    "Record",
    "Run",
    "RunInfo",
    "Runs",
    "Source",
    "Stage",
    "StepProgress",
    "Stream",
    "Task",
    "TokenColumn",
    "TokenisedSplit",
    "Tokens",
    "Update",
    "anchor_losses",
    "asymmetric_nll",
    "background_pairs",
    "cached_on_disk",
    "clustered_contrastive_loss",
    "clustered_pairs",
    "cooccurrence_kernel",
    "data_of",
    "expanded",
    "find_run",
    "focal_nll",
    "graded_clustered_contrastive_loss",
    "graded_clustered_pairs",
    "hookimpl",
    "kmeans_clusters",
    "label_pair_weights",
    "label_separation_loss",
    "label_states",
    "load",
    "load_runs",
    "mean_of_anchors",
    "overlap",
    "print_json",
    "print_table",
    "run",
    "run_spec",
    "similarities",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fecbench' has no attribute {name!r}")
    return getattr(import_module(f"fecbench.{_HOMES[name]}"), name)
