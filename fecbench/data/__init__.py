"""From published files to batches: data sets, tokens, batches and streams.

May import ``core``.
"""
