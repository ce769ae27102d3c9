"""Terminal input and output: tables, messages, progress and interrupts.

Python callers see the same progress bars as users of the command line. The wings api, sklearn, testing and cli may
import it.
"""
