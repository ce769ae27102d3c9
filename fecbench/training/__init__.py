"""Train and evaluate an objective: updates, optimizers, epochs, metrics, checkpoints and devices.

May import the wings before it: ``core``, ``data``, ``model`` and ``objective``.
"""
