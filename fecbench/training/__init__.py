"""Train and evaluate an objective: updates, optimizers, epochs, metrics, checkpoints and devices.

Imports the wings from ``core`` to ``objective`` only; every wing to its right may import it.
"""
