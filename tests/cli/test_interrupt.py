"""Ctrl-C stops a run, even where a finaliser swallows the exception."""

import pytest


def test_a_wish_to_stop_that_a_finaliser_swallowed_is_heard_at_the_next_batches():
    from fecbench.terminal.interrupt import Stop

    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop.ask()
    for heard in (stop.run_started, stop.updates_logged):
        with pytest.raises(KeyboardInterrupt):
            heard()
