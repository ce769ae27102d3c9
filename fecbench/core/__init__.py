"""General tools without knowledge of the domain: errors, files, text, settings, options, registries, hooks.

Importing them loads no torch. Every wing may import this one; it imports no other wing.
"""
