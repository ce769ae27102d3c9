"""Expand a benchmark spec into runs, execute them on workers and report their progress.

Imports the wings from ``core`` to ``runs`` only; every wing to its right may import it.
"""
