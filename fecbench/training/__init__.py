"""Train and evaluate an objective: updates, optimizers, epochs, metrics, checkpoints and devices.

May import ``core``, ``data``, ``model`` and ``objective``.
"""
