"""Check the names of repositories of the Hugging Face hub."""

from __future__ import annotations

from fecbench.core.errors import UsageError


def check_hub_name(name: str, option: str, kind: str) -> None:
    """Raise UsageError if ``name`` is not a valid ``owner/name``. The name is not looked up.

    Args:
        name: the name that the user gave.
        option: the option that it was given to, such as ``--push``.
        kind: what the repository holds, such as ``model``.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # re-exported without __all__

    try:
        validate_repo_id(name)
        valid = name.count("/") == 1  # the hub's own check accepts a name without an owner
    except HFValidationError:
        valid = False
    if not valid:
        raise UsageError(
            f"{option} must be a {kind} of the hub, owner/name, but is {name!r}; correct it or leave it out"
        )
