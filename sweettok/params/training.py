"""Sections on trainings: the optimiser, the losses, the stages of the curriculum."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sweettok.params.section import Probability, Section

Part = Literal["features", "spatial", "temporal", "decoder", "pixel_decoder"]


class Optimiser(Section):
    """One training run: warm-up, cosine decay, gradient clipping, moving average.

    `muon` moves the weights of linear and convolutional layers by Muon (Jordan et al. 2024) at `lr` and all others by
    AdamW at `adam_lr`; `adamw` moves all by AdamW at `lr`. Both rates follow the same curve.
    """

    algorithm: Literal["muon", "adamw"]
    steps: NonNegativeInt
    batch_size: PositiveInt = Field(description="clips a step, over all processes and accumulated parts")
    lr: PositiveFloat
    final_lr: PositiveFloat
    adam_lr: PositiveFloat = Field(default=2e-3, description="of what Muon leaves to AdamW, at the curve's top")
    warmup: NonNegativeInt
    betas: tuple[float, float] = Field(strict=False, description="of AdamW")
    weight_decay: NonNegativeFloat
    grad_clip: PositiveFloat
    ema: Probability = Field(description="decay of the weights' moving average; 0: none")
    precision: Literal["fp32", "bf16"] = Field(description="of the networks; quantisers and losses are always fp32")
    checkpoint_every: PositiveInt
    validate_every: PositiveInt
    accumulate: PositiveInt = Field(
        default=1, description="parts of a batch, one after another; statistics and batch entropy are each part's"
    )


class CodeLoss(Section):
    """Losses of the trainings on proxy codes, `target: proxy_codes` (the authors' code: cross-entropy alone).

    First codes are compared: `code_l2` tells near codes from far ones. Then pictures, which cost twice as much a step:
    `l2` and `perceptual` are of the picture that the proxy's frozen decoder makes of the predicted code, and tell what of
    a code is seen. Both parts have the cross-entropy.
    """

    cross_entropy: NonNegativeFloat = Field(description="mean over the digits of a code")
    code_l2: NonNegativeFloat = Field(
        description="between the predicted code and the proxy's, mean over digits in [-1, 1]"
    )
    l2: NonNegativeFloat
    perceptual: NonNegativeFloat
    picture_start: Probability = Field(
        description="share of the steps after which pictures are compared instead of codes"
    )


class PixelLoss(Section):
    """Losses on pixels (paper: L2 + LPIPS + GAN; code: 4, 0.1, 0.01, 0.04)."""

    l2: NonNegativeFloat
    perceptual: NonNegativeFloat
    adversarial: NonNegativeFloat
    feature_matching: NonNegativeFloat
    adversarial_start: Probability = Field(description="share of the steps after which the discriminator acts")
    discriminator_width: PositiveInt
    discriminator_lr: PositiveFloat


class CurriculumStage(Section):
    """One training of the curriculum, as data."""

    clips: Literal["images", "videos"]
    target: Literal["proxy_codes", "pixels"]
    trains: tuple[Part, ...] = Field(strict=False, description="parts that learn; all others are frozen")
    seed: NonNegativeInt
    optimiser: Optimiser

    @model_validator(mode="after")
    def _check_parts(self) -> "CurriculumStage":
        if "features" in self.trains and not {"spatial", "temporal"} & set(self.trains):
            raise ValueError(
                "features learn through the quantisers: add spatial or temporal to trains, or leave features out"
            )
        return self


class Machine(Section):
    """How trainings use the machine. Neither DVC nor a checkpoint asks for it: numbers differ by rounding at most (and
    by what augmentation draws, since each process draws for itself)."""

    processes: PositiveInt = Field(default=1, description="one an accelerator, or on CPU a share of the cores each")
    cells: PositiveInt = Field(
        default=1, description="seeds of a variant or of a prior's size side by side, each on its share of the cores"
    )
    engine: Literal["local", "ray"] = Field(
        default="local", description="what runs cells: processes of this machine, or tasks of a Ray cluster, one a cell"
    )
    workers: NonNegativeInt = Field(default=0, description="processes that read clips ahead; 0: the step reads its own")
    activation_checkpointing: bool = Field(
        default=False, description="keep only layers' inputs and compute the rest again for the gradient: less memory"
    )
    compile: Literal["auto"] | bool = Field(
        default="auto", description="torch.compile each training's step; auto: on GPUs, in one process. The first steps take minutes"
    )

    @model_validator(mode="after")
    def _check_engine(self) -> "Machine":
        if self.engine == "ray" and self.processes > 1:
            raise ValueError("engine ray trains a cell in one process: set processes to 1, or engine to local")
        return self
