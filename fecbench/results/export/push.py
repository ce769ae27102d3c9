"""Push an exported folder to a model repository of the Hugging Face hub.

A new repository is private unless the user asks for a public one: whoever publishes weights has to choose their
licence first.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fecbench.core.errors import ExportError, UsageError
from fecbench.core.hub import unreachable
from fecbench.results.export.hub_names import check_hub_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from huggingface_hub import HfApi


MESSAGE = "Export a run of fecbench"


@dataclass(frozen=True)
class HubRepository:
    """A model repository of the hub, which may not exist yet.

    Attributes:
        id: ``owner/name``.
        public: True to create it as a public repository, and to allow a push to a public one.
    """

    id: str
    public: bool = False

    @property
    def name(self) -> str:
        """The name without the owner."""
        return self.id.partition("/")[2]

    def upload_command(self, folder: Path) -> str:
        """Return the command that pushes a folder; by itself it would create a new repository as a public one."""
        return f"hf upload {self.id} {shlex.quote(str(folder))} .{'' if self.public else ' --private'}"

    def check(self) -> None:
        """Raise UsageError if a push can't succeed: the name, the connection, the login or the visibility is wrong.

        Call it before the export, which takes longer.
        """
        check_hub_name(self.id, "--push", "model")
        reason = unreachable()
        if reason:
            raise UsageError(f"--push needs the hub, but {reason}; connect, or leave it out")
        try:
            self._check_account(_client())
        except UsageError:
            raise
        except Exception as error:  # the hub's client raises errors of several libraries
            raise UsageError(
                f"--push needs an account of the hub, but asking for it failed: {_reason(error)}; run `hf auth login` "
                "again, or correct HF_TOKEN"
            ) from error

    def _check_account(self, client: HfApi) -> None:
        from huggingface_hub.errors import RepositoryNotFoundError

        token = client.whoami().get("auth", {}).get("accessToken") or {}
        if token.get("role") == "read":
            raise UsageError("--push needs a token that may write, but yours may only read; give another to HF_TOKEN")
        if self.public:
            return
        try:
            is_public = not client.model_info(self.id).private
        except RepositoryNotFoundError:
            return
        if is_public:
            raise UsageError(
                f"--push needs a private repository, but {self.id} is public; add --public to publish the model there"
            )

    def push(self, folder: Path, files: Sequence[str]) -> str:
        """Write files to the repository in one commit, and return its address. Create the repository if it is new.

        Files of the repository that have other names stay there.

        Args:
            folder: the exported folder.
            files: the paths of its files, relative to it.

        Raises:
            ExportError: the push failed or was stopped; the exported folder stays.
        """
        from huggingface_hub import CommitOperationAdd, constants

        try:
            client = _client()
            client.create_repo(self.id, private=not self.public, exist_ok=True)
            additions = [CommitOperationAdd(name, folder / name) for name in files]
            client.create_commit(self.id, additions, commit_message=MESSAGE)
        except (Exception, KeyboardInterrupt) as error:  # the hub's client raises errors of several libraries
            raise ExportError(
                f"the model was written to {folder}, but not to {self.id} on the hub: {_reason(error)}; to push that "
                f"folder: {self.upload_command(folder)}"
            ) from error
        return f"{constants.ENDPOINT}/{self.id}"


def _client() -> HfApi:
    """Return the hub's client with the user's token. Raise UsageError without a token that can be sent."""
    from huggingface_hub import HfApi, get_token

    token = get_token()
    if token is None:
        raise UsageError("--push needs a login to the hub, but there is no token; run `hf auth login`, or set HF_TOKEN")
    if not re.fullmatch(r"[!-~]+", token):  # an HTTP library would quote it in its error
        raise UsageError(
            "--push needs a token of the hub, but yours has a space or another sign that no token has; run `hf auth "
            "login` again, or correct HF_TOKEN"
        )
    return HfApi(token=token)


def _reason(error: BaseException) -> str:
    """Return the first line of an error, or its type."""
    if isinstance(error, KeyboardInterrupt):
        return "it was stopped"
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
