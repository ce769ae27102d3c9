"""The protocol of training objectives and losses that several methods share; plugin authors start here.

Imports ``core``, ``data`` and ``model`` only; every wing to its right may import it.
"""
