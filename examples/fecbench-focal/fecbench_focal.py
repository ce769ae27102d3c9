from pydantic import Field

from fecbench import Config, Objective, Update


class FocalConfig(Config):
    gamma: float = Field(2.0, ge=0, description="focusing parameter; 0 is cross-entropy")


class Focal(Objective):
    """Minimise the focal loss, the mean of ``-(1 - p)^gamma log p`` (Lin et al. 2017, equation 4)."""

    Config = FocalConfig

    def updates(self, batch, model):
        logits = model.classify(model.project(model.encode(batch)))
        log_p = logits.float().log_softmax(1).gather(1, batch.labels[:, None])
        yield Update(-((1 - log_p.exp()) ** self.config.gamma * log_p).mean())
