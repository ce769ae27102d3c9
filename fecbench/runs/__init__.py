"""One run from its settings to its record on disk, and predictions from a complete record.

Imports the wings from ``core`` to ``training`` only; every wing to its right may import it.
"""
