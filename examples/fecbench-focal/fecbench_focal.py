from pydantic import Field

from fecbench import Config, Objective, Update


class FocalConfig(Config):
    gamma: float = Field(2.0, ge=0, description="focusing parameter; 0 is cross-entropy")


class Focal(Objective):
    """Minimise the focal loss (Lin et al. 2017, equation 4).

    It is the mean over rows of ``-(1 - p)^gamma log p``, where p is the probability of the right label.
    """

    Config = FocalConfig

    def updates(self, batch, model):
        logits = model.classify(model.project(model.encode(batch)))
        log_p = logits.float().log_softmax(1).gather(1, batch.labels[:, None])
        yield Update(-((1 - log_p.exp()) ** self.config.gamma * log_p).mean())
