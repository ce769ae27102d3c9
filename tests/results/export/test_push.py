"""``fecbench export --push``: what reaches the hub, and what is refused before the export."""

import json

import pytest

from fecbench.core.errors import UsageError
from fecbench.results.export import push
from fecbench.results.export.push import HubRepository
from tests.support.exports import NATIVE
from tests.support.hub_server import READER, WRITER
from tests.support.loopback_hub import loopback_hub
from tests.support.several import answers
from tests.support.toy_data import LABELS

READ_BACK = """
from transformers import AutoModelForSequenceClassification
print(AutoModelForSequenceClassification.from_pretrained("me/emotions").config.id2label[0])
"""


def contents(folder) -> dict[str, bytes]:
    """Return the content of each file by its path relative to the folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_folder_with_card_and_entries_reaches_a_new_private_model(trained, tmp_path):
    record, out = trained("bert", "ce", **NATIVE), tmp_path / "out"
    command = ["export", str(record.folder), str(out), "--push", "me/emotions", "--eval-dataset", "me/data", "--json"]
    with loopback_hub(tmp_path, WRITER) as (root, python):
        (done,) = answers(python, command)
        assert done.code == 0, done.err
        label = python(READ_BACK).strip()
    pushed = contents(root / "models" / "me" / "emotions")
    assert pushed == contents(out)
    assert {"README.md", "model.safetensors", ".eval_results/me--data.yaml"} <= set(pushed)
    assert b'model="me/emotions"' in pushed["README.md"]
    assert b"# emotions\n" in pushed["README.md"]
    assert (root / "private" / "me" / "emotions").is_dir()
    assert json.loads(done.out)["pushed"].endswith("/me/emotions")
    assert label in LABELS


@pytest.mark.slow
def test_public_models_need_consent_and_keep_their_other_files(trained, tmp_path):
    record = trained("bert", "ce", **NATIVE)
    command = ["export", str(record.folder), "out", "--push", "me/emotions"]
    licence = tmp_path / "hub" / "models" / "me" / "emotions" / "LICENSE"
    licence.parent.mkdir(parents=True)
    licence.write_text("theirs")
    new = ["export", str(record.folder), "new", "--push", "me/new", "--public"]
    with loopback_hub(tmp_path, WRITER) as (root, python):
        refused, pushed, created = answers(python, command, [*command, "--public"], new)
    assert refused.code == 2
    assert "me/emotions is public; add --public to publish the model there" in refused.err
    assert pushed.code == 0, pushed.err  # so that the refused command has left no folder
    assert "/me/emotions; choose a licence there" in pushed.out
    assert contents(licence.parent) == {"LICENSE": b"theirs", **contents(tmp_path / "out")}
    assert created.code == 0, created.err
    assert contents(root / "models" / "me" / "new") == contents(tmp_path / "new")
    assert not (root / "private").exists()


@pytest.mark.slow
def test_a_failed_push_keeps_the_folder_and_says_how_to_push_it(trained, tmp_path):
    record = trained("bert", "ce", **NATIVE)
    with loopback_hub(tmp_path, WRITER) as (_, python):
        (done,) = answers(python, ["export", str(record.folder), "out", "--push", "them/emotions"])
    assert done.code == 1
    assert "the model was written to out, but not to them/emotions on the hub: " in done.err
    assert "to push that folder: hf upload them/emotions out . --private\n" in done.err
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "--push needs a login to the hub, but there is no token; run `hf auth login`, or set HF_TOKEN"),
        (READER, "--push needs a token that may write, but yours may only read"),
        ("hf_unknown", "--push needs an account of the hub, but asking for it failed: "),
    ],
)
def test_a_push_without_the_right_is_refused_before_the_export(trained, tmp_path, token, message):
    record = trained("bert", "ce", **NATIVE)
    with loopback_hub(tmp_path, token) as (root, python):
        (done,) = answers(python, ["export", str(record.folder), "out", "--push", "me/emotions"])
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()
    assert not (root / "models").exists()


@pytest.mark.parametrize("token", ["hf_secret\x00", "hf_secret\u201d", "hf_secret x"])
def test_a_token_that_cannot_be_sent_is_refused_and_never_shown(monkeypatch, token):
    monkeypatch.setattr(push, "unreachable", lambda: "")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    with pytest.raises(UsageError, match="has a space or another sign that no token has") as refused:
        HubRepository("me/emotions").check()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["emotions", "a/b/c", "me/..", "-me/x", "me/", ""])
def test_a_model_has_a_name_of_the_hub(name):
    with pytest.raises(UsageError, match="--push must be a model of the hub, owner/name, but is"):
        HubRepository(name).check()


def test_a_push_offline_is_refused_with_the_reason():
    with pytest.raises(UsageError, match="--push needs the hub, but HF_HUB_OFFLINE is set; connect, or leave it out"):
        HubRepository("me/emotions").check()


def test_public_without_push_is_refused(fecbench):
    code, _, err = fecbench("export", "ce", "out", "--public")
    assert code == 2
    assert "--public needs --push OWNER/NAME, but it is missing" in err
