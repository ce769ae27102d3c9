"""Encoders, heads and the model that objectives train: token ids to states, features and logits.

Imports ``core`` and ``data`` only; every wing to its right may import it.
"""
