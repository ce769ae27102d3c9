"""Expand a benchmark spec into runs, execute them on workers and report their progress.

May import the wings before it: ``core`` to ``runs``.
"""
