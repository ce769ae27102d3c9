"""The Hugging Face hub: whether it can be asked, found out in seconds (its own clients would retry for half a minute, aloud)."""

from __future__ import annotations

import urllib.error
import urllib.request
from functools import cache

TIMEOUT = 3.0


@cache
def unreachable() -> str:
    """Why the hub can't be asked, as a clause; empty where it can. Once it can't, its clients here go by what is cached."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    try:
        with urllib.request.urlopen(constants.ENDPOINT, timeout=TIMEOUT):
            return ""
    except urllib.error.HTTPError:
        return ""  # whatever it says, it answers
    except (OSError, ValueError) as error:
        constants.HF_HUB_OFFLINE = True
        return f"the hub ({constants.ENDPOINT}) can't be reached: {getattr(error, 'reason', error)}"
