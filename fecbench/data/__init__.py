"""From published files to batches: data sets, tokens, batches and streams.

Imports ``core`` only; every wing to its right may import it.
"""
