"""One run from its settings to its record on disk, and predictions from a complete record.

May import the wings before it: ``core`` to ``training``.
"""
