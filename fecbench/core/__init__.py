"""General tools (files, text, options, registries), and the settings, errors and hooks that all wings share.

Importing them loads no torch. Every wing may import this one; it imports no other wing.
"""
