"""Many runs: expand a benchmark spec, share the runs among workers and report their progress.

May import the wings before it: ``core`` to ``runs``.
"""
