"""Encoders, heads and the model that objectives train: texts to states, features and logits.

May import ``core`` and ``data``.
"""
