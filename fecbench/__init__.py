"""fecbench: compare training objectives for fine-grained emotion classification.

The names below are what plugins may import; nothing heavier than this file is loaded until one is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fecbench.batching import Batch as Batch
    from fecbench.batching import BatchNeeds as BatchNeeds
    from fecbench.errors import FecbenchError as FecbenchError
    from fecbench.heads import Head as Head
    from fecbench.hooks import RunInfo as RunInfo
    from fecbench.hooks import hookimpl as hookimpl
    from fecbench.model import Model as Model
    from fecbench.objective import Objective as Objective
    from fecbench.objective import Player as Player
    from fecbench.objective import Stage as Stage
    from fecbench.objective import Task as Task
    from fecbench.objective import Update as Update
    from fecbench.packing import Tokens as Tokens
    from fecbench.settings import Config as Config

_HOMES = {
    "Batch": "batching",
    "BatchNeeds": "batching",
    "Config": "settings",
    "FecbenchError": "errors",
    "Head": "heads",
    "Model": "model",
    "Objective": "objective",
    "Player": "objective",
    "RunInfo": "hooks",
    "Stage": "objective",
    "Task": "objective",
    "Tokens": "packing",
    "Update": "objective",
    "hookimpl": "hooks",
}

__all__ = [
    "Batch",
    "BatchNeeds",
    "Config",
    "FecbenchError",
    "Head",
    "Model",
    "Objective",
    "Player",
    "RunInfo",
    "Stage",
    "Task",
    "Tokens",
    "Update",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fecbench' has no attribute {name!r}")
    return getattr(import_module(f"fecbench.{_HOMES[name]}"), name)
