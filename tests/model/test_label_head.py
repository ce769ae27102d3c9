"""The label head: logits by label texts, encoded with the batch in training and precomputed for prediction."""

import pytest
import torch

from fecbench.core.errors import UsageError
from fecbench.data.batch import Batch
from fecbench.data.tokens import Tokens
from fecbench.model.heads import HeadTask, LabelHead
from fecbench.model.model import build_model

LABELS = HeadTask(["glad", "mad", "sad"], ["glad: a lovely day", "mad", "sad: rain"], projection_dim=8)
TEXTS = [[5, 6, 7, 8], [9, 10], [11, 12, 13]]
BATCH = Batch(Tokens.pack(TEXTS), torch.tensor([0, 1, 2]), torch.arange(3))


@pytest.fixture(params=["bert", "roberta", "electra", "mpnet"])
def model(source, request):
    """A model without dropout, in training; mpnet can't be packed."""
    model = build_model(source(request.param, dropout=0.0), "label", LABELS, "mean")
    return model.train()


@pytest.fixture
def calls(model):
    """Return the number of texts in each call of the encoder."""
    sizes = []
    model.encoder.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    return sizes


def slow_logits(model, ids):
    """Each text and each label encoded by itself."""
    features = [model.project(model.encoder(Tokens.pack([text]))) for text in TEXTS]
    labels = [model.project(model.encoder(Tokens.pack([text]))) for text in ids]
    return torch.stack([torch.stack([(z * label).sum() for label in labels]) for z in features])


def label_ids(model):
    tokens = model.head.extra_texts()
    return [part.tolist() for part in tokens.ids.split(tokens.lengths.tolist())]


def test_logits_and_gradients_are_those_of_labels_encoded_apart(model):
    logits = model.classify(model.project(model.encode(BATCH)))
    slow = slow_logits(model, label_ids(model))
    torch.testing.assert_close(logits, slow, atol=1e-5, rtol=1e-4)
    weight = torch.randn(3, 3)
    parameters = [p for p in model.parameters() if p.requires_grad]
    found = torch.autograd.grad((logits * weight).sum(), parameters, allow_unused=True)
    expected = torch.autograd.grad((slow * weight).sum(), parameters, allow_unused=True)
    assert any(gradient is not None and gradient.abs().sum() > 0 for gradient in found)
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-3)


def test_gradients_flow_through_the_labels(model):
    z = model.project(model.encode(BATCH)).detach()
    model.classify(z).sum().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoder.parameters())


def test_labels_travel_in_the_batchs_own_call(model, calls):
    model.classify(model.project(model.encode(BATCH)))
    assert calls == [len(BATCH) + 3]


def test_prediction_reads_a_matrix_and_encodes_no_label(model, calls):
    expected = model.classify(model.project(model.encode(BATCH))).detach()
    model.eval().precompute()
    calls.clear()
    with torch.no_grad():
        found = model.classify(model.project(model.encode(BATCH)))
    assert calls == [len(BATCH)]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert "head.matrix" in model.state_dict()


def test_precomputing_leaves_mode_and_gradients_alone(model):
    model.precompute()
    assert model.training
    assert not model.head.matrix.requires_grad


def test_each_batch_brings_its_labels_anew(model):
    """After a step the logits follow the new weights, in training and in prediction."""
    before = model.classify(model.project(model.encode(BATCH))).detach()
    with torch.no_grad():
        for parameter in model.head.projection.parameters():
            parameter.mul_(1.5)
    after = model.classify(model.project(model.encode(BATCH))).detach()
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, slow_logits(model, label_ids(model)), atol=1e-5, rtol=1e-4)


def test_a_labels_text_is_read_whole_or_refused(source):
    of_bert = source("bert")
    longest, special = of_bert.config.max_position_embeddings, of_bert.tokenizer.num_special_tokens_to_add()

    def lengths(words):
        task = HeadTask(["glad", "mad"], ["rain " * words, "mad"])
        return build_model(of_bert, "label", task, "mean").head.extra_texts().lengths.tolist()

    assert lengths(longest - special)[0] == longest
    with pytest.raises(UsageError, match="that of 'glad' has 65; shorten its description"):
        lengths(longest - special + 1)


def test_the_part_that_all_label_texts_share_moves_no_logit_of_label_sets():
    torch.manual_seed(0)
    head = LabelHead(16, Tokens.pack([[1], [2], [3]]), features=8, biased=True)
    head.bias.data.copy_(torch.tensor([-3.0, -1.0, 0.5]))
    states, z = torch.randn(3, 16), torch.randn(5, 8)
    head.set_extra_states(states)
    before = head.classify(z)
    torch.testing.assert_close(before.mean(1), head.bias.mean().expand(5))
    with torch.no_grad():
        head.projection[-1].bias += 40.0  # the same for every label
    torch.testing.assert_close(head.classify(z), before, rtol=1e-4, atol=1e-4)
    head.precompute(states)
    torch.testing.assert_close(head.classify(z), before, rtol=1e-4, atol=1e-4)
