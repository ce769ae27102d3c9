"""fecbench: compare training objectives for fine-grained emotion classification.

The names below are what plugins may import; nothing heavier than this file is loaded until one is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fecbench.batching import Batch as Batch
    from fecbench.batching import BatchNeeds as BatchNeeds
    from fecbench.batching import TokenisedSplit as TokenisedSplit
    from fecbench.cli.output import print_json as print_json
    from fecbench.cli.output import print_table as print_table
    from fecbench.cli.paths import PATH as PATH
    from fecbench.clustering import kmeans_clusters as kmeans_clusters
    from fecbench.contrast import anchor_losses as anchor_losses
    from fecbench.contrast import clustered_contrastive_loss as clustered_contrastive_loss
    from fecbench.contrast import clustered_pairs as clustered_pairs
    from fecbench.contrast import mean_of_anchors as mean_of_anchors
    from fecbench.contrast import similarities as similarities
    from fecbench.datasets.core import DatasetInfo as DatasetInfo
    from fecbench.datasets.core import EmotionData as EmotionData
    from fecbench.datasets.core import Places as Places
    from fecbench.datasets.core import Source as Source
    from fecbench.encoders import EncoderSource as EncoderSource
    from fecbench.errors import FecbenchError as FecbenchError
    from fecbench.forms import Form as Form
    from fecbench.heads import Head as Head
    from fecbench.heads import HeadTask as HeadTask
    from fecbench.hooks import RunInfo as RunInfo
    from fecbench.hooks import hookimpl as hookimpl
    from fecbench.language import LanguageHead as LanguageHead
    from fecbench.leaderboard.board import Board as Board
    from fecbench.model import Model as Model
    from fecbench.model import label_states as label_states
    from fecbench.objective import Objective as Objective
    from fecbench.objective import Player as Player
    from fecbench.objective import Stage as Stage
    from fecbench.objective import Task as Task
    from fecbench.objective import Update as Update
    from fecbench.packing import Tokens as Tokens
    from fecbench.paths import expanded as expanded
    from fecbench.prediction import Predictor as Predictor
    from fecbench.prediction import data_of as data_of
    from fecbench.runs import Record as Record
    from fecbench.runs import find_run as find_run
    from fecbench.separation import label_pair_weights as label_pair_weights
    from fecbench.separation import label_separation_loss as label_separation_loss
    from fecbench.settings import Config as Config
    from fecbench.streams import Material as Material
    from fecbench.streams import Stream as Stream
    from fecbench.tokenising import TokenColumn as TokenColumn

_HOMES = {
    "PATH": "cli.paths",
    "Source": "datasets.core",
    "Places": "datasets.core",
    "EncoderSource": "encoders",
    "EmotionData": "datasets.core",
    "DatasetInfo": "datasets.core",
    "Batch": "batching",
    "Board": "leaderboard.board",
    "BatchNeeds": "batching",
    "Config": "settings",
    "FecbenchError": "errors",
    "Form": "forms",
    "Head": "heads",
    "HeadTask": "heads",
    "LanguageHead": "language",
    "Material": "streams",
    "Model": "model",
    "Objective": "objective",
    "Player": "objective",
    "Predictor": "prediction",
    "Record": "runs",
    "RunInfo": "hooks",
    "Stage": "objective",
    "Stream": "streams",
    "Task": "objective",
    "TokenColumn": "tokenising",
    "TokenisedSplit": "batching",
    "Tokens": "packing",
    "Update": "objective",
    "anchor_losses": "contrast",
    "clustered_contrastive_loss": "contrast",
    "clustered_pairs": "contrast",
    "data_of": "prediction",
    "expanded": "paths",
    "find_run": "runs",
    "hookimpl": "hooks",
    "kmeans_clusters": "clustering",
    "label_pair_weights": "separation",
    "label_separation_loss": "separation",
    "label_states": "model",
    "mean_of_anchors": "contrast",
    "print_json": "cli.output",
    "print_table": "cli.output",
    "similarities": "contrast",
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
    "LanguageHead",
    "Material",
    "Model",
    "Objective",
    "Places",
    "Player",
    "Predictor",
    "Record",
    "RunInfo",
    "Source",
    "Stage",
    "Stream",
    "Task",
    "TokenColumn",
    "TokenisedSplit",
    "Tokens",
    "Update",
    "anchor_losses",
    "clustered_contrastive_loss",
    "clustered_pairs",
    "data_of",
    "expanded",
    "find_run",
    "hookimpl",
    "kmeans_clusters",
    "label_pair_weights",
    "label_separation_loss",
    "label_states",
    "mean_of_anchors",
    "print_json",
    "print_table",
    "similarities",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fecbench' has no attribute {name!r}")
    return getattr(import_module(f"fecbench.{_HOMES[name]}"), name)
