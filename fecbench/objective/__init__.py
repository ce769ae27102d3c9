"""The protocol of training objectives and losses that several methods share; plugin authors start here.

May import ``core``, ``data`` and ``model``.
"""
