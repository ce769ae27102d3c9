"""A model whose features come from fixed inputs, for tests of single steps."""

import torch
from torch import nn


class TinyModel(nn.Module):
    """Features of fixed inputs, and logits of some classes."""

    def __init__(self, classes: int):
        super().__init__()
        torch.manual_seed(0)
        self.inputs, self.layer, self.head = torch.randn(12, 8), nn.Linear(8, 8), nn.Linear(8, classes)

    def encode(self, batch):
        return self.inputs

    def project(self, h):
        return self.layer(h)

    def classify(self, z):
        return self.head(z)
