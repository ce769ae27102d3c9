"""Options of ``ce`` and checks of their combinations."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fecbench import Config

BETA = 0.999
LOSS_OF = {
    "label_smoothing": "nll",
    "focal_gamma": "focal",
    "asymmetric_gamma_pos": "asymmetric",
    "asymmetric_gamma_neg": "asymmetric",
    "asymmetric_clip": "asymmetric",
}  # the loss that has an option


class CrossEntropyConfig(Config):
    """Options of ``ce``."""

    loss: Literal["nll", "focal", "asymmetric"] = Field(
        "nll",
        description="loss of a text; nll: cross-entropy, with several labels the sum of their binary cross-entropies; "
        "focal: with less weight on what is predicted well (Lin et al. 2017); asymmetric: with less weight on labels "
        "that a text lacks, for several labels a text (Ridnik et al. 2021)",
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="label smoothing: share of the target spread evenly over all labels; with several labels a text, "
        "over yes and no of each",
    )
    focal_gamma: float = Field(2.0, ge=0, description="gamma of --loss focal; 0 is nll")
    asymmetric_gamma_pos: float = Field(
        0.0, ge=0, description="gamma of --loss asymmetric for the labels that a text has"
    )
    asymmetric_gamma_neg: float = Field(4.0, ge=0, description="gamma of --loss asymmetric for the other labels")
    asymmetric_clip: float = Field(
        0.05, ge=0, lt=1, description="probability up to which --loss asymmetric ignores a label that a text lacks"
    )
    class_weights: Literal["none", "balanced", "effective"] = Field(
        "none",
        description="weight of a training row, by its class: balanced is n / (C n_c) as in scikit-learn; effective is "
        "the inverse effective number of rows (Cui et al. 2019). With several labels a text, the same for yes and no "
        "of each label",
    )
    class_weight_beta: float = Field(
        BETA,
        ge=0,
        lt=1,
        description="beta of --class-weights effective: 0 gives equal weights, near 1 they are proportional to 1 / n_c",
    )
    logit_adjust: float = Field(
        0.0,
        ge=0,
        description="tau of logit adjustment (Menon et al. 2021): the training loss adds tau times the log prior to "
        "the logits (with several labels a text, the log odds), predictions don't; 0 is off, 1 the paper's value",
    )

    # An option that nothing uses is refused only if its value isn't the default: a run's settings name every option.
    @model_validator(mode="after")
    def _use_loss(self) -> Self:
        for name, loss in LOSS_OF.items():
            if self.loss != loss and getattr(self, name) != type(self).model_fields[name].default:
                flag = "--" + name.replace("_", "-")
                raise ValueError(
                    f"{flag} needs --loss {loss}, but it is {self.loss}; add --loss {loss} or leave {flag} out"
                )
        return self

    @model_validator(mode="after")
    def _use_beta(self) -> Self:
        if self.class_weights != "effective" and self.class_weight_beta != BETA:
            raise ValueError(
                f"--class-weight-beta needs --class-weights effective, but they are {self.class_weights}; add "
                "--class-weights effective or leave --class-weight-beta out"
            )
        return self

    @model_validator(mode="after")
    def _correct_once(self) -> Self:
        corrections = {
            "--class-weights": self.class_weights != "none",
            "--logit-adjust": self.logit_adjust > 0,
            "--loss asymmetric": self.loss == "asymmetric",
        }
        first, *others = [flag for flag, is_used in corrections.items() if is_used] or [""]
        if others:
            raise ValueError(
                f"{first} and {others[0]} both correct for imbalanced classes, and together they correct twice; leave "
                "one of them out"
            )
        return self
