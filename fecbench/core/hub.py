"""Check quickly whether the Hugging Face hub is reachable.

The hub's own client retries for 30 seconds and logs noise.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from functools import cache

TIMEOUT = 3.0  # seconds


@cache
def unreachable() -> str:
    """Return the reason why the hub cannot be reached, as a clause, or "" if it can.

    If it cannot, the hub's clients in this process are set to offline mode and use their caches.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    try:
        with urllib.request.urlopen(constants.ENDPOINT, timeout=TIMEOUT):
            return ""
    except urllib.error.HTTPError:
        return ""  # an error status is an answer too
    except (OSError, ValueError) as error:
        constants.HF_HUB_OFFLINE = True
        return f"the hub ({constants.ENDPOINT}) can't be reached: {getattr(error, 'reason', error)}"
