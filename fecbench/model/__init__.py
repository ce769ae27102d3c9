"""Encoders, heads and the model that objectives train: token ids to states, features and logits.

May import ``core`` and ``data``.
"""
