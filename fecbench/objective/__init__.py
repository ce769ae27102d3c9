"""The protocol of a training objective, and losses that several methods share: what a plugin author reads.

May import ``core``, ``data`` and ``model``.
"""
