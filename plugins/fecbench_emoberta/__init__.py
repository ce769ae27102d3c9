"""EmoBERTa: a recipe for RoBERTa, and an input builder for conversations."""

from fecbench_emoberta.form import Speaking
from fecbench_emoberta.objective import EmoBERTa, EmoBERTaConfig
from fecbench_emoberta.segments import conversation, nearest

__all__ = ["EmoBERTa", "EmoBERTaConfig", "Speaking", "conversation", "nearest"]
