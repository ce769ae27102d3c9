"""EmoBERTa: a fine-tuning recipe for RoBERTa and an input builder for conversations (Kim and Vossen 2021)."""

from fecbench_emoberta.form import Speaking
from fecbench_emoberta.objective import EmoBERTa, EmoBERTaConfig
from fecbench_emoberta.segments import conversation, nearest

__all__ = ["EmoBERTa", "EmoBERTaConfig", "Speaking", "conversation", "nearest"]
