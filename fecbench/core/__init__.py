"""Errors, atomic files, text, settings, registry, hooks: tools that know neither torch nor the domain.

Every wing may import this one; it imports none.
"""
