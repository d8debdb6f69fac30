"""Sections on what is measured: reconstruction, samples, semantics, ablations."""

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sweettok.params.section import Section

SMALLEST = 11  # pixels a side, the window of SSIM


class EvaluateReconstruction(Section):
    """Reconstruction of the test clips (stage evaluate_reconstruction, ablation cells)."""

    batch_size: PositiveInt
    bootstrap: PositiveInt = Field(description="resamples of a 95 % interval")
    seed: NonNegativeInt


class Sampling(Section):
    """Sampling from the prior (stage evaluate_generation)."""

    samples: PositiveInt = Field(ge=2, description="at least two: their distance to real clips needs a covariance")
    batch_size: PositiveInt
    temperature: PositiveFloat
    top_k: NonNegativeInt = Field(description="0: all")
    top_p: pydantic.confloat(gt=0, le=1)
    guidance: NonNegativeFloat = Field(description="CFG scale: u + s (c - u); 1: none")
    seed: NonNegativeInt


class Semantics(Section):
    """Probes and few-shot (stage evaluate_semantics)."""

    ways: PositiveInt = Field(ge=2)
    shots: tuple[PositiveInt, ...] = Field(strict=False)
    episodes: PositiveInt
    probe_folds: PositiveInt = Field(ge=2)
    seed: NonNegativeInt


# DVC makes a stage's name and a folder of it.
VariantName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]


class AblationMatrix(Section):
    """Which cells dvc.yaml runs."""

    variants: tuple[VariantName, ...] = Field(strict=False)
    seeds: tuple[NonNegativeInt, ...] = Field(strict=False)


class AblationSchedule(Section):
    """What every ablation cell shares: the length of its trainings (equal for all variants)."""

    spatial_steps: NonNegativeInt
    joint_steps: NonNegativeInt
    pixel_steps: NonNegativeInt
    batch_size: PositiveInt


class Variant(Section):
    """An ablation variant: what it changes of the full model, nothing else."""

    tokenizer: dict[str, Any]
    curriculum: Literal["three_stage", "end_to_end"]


class Ablation(Section):
    """The ablation cells (stage ablation@variant: all seeds of a variant)."""

    matrix: AblationMatrix
    schedule: AblationSchedule
    variants: dict[VariantName, Variant]

    @model_validator(mode="after")
    def _check_names(self) -> "Ablation":
        if unknown := [name for name in self.matrix.variants if name not in self.variants]:
            raise ValueError(
                f"matrix.variants names {', '.join(unknown)}, but variants has only {', '.join(self.variants)}"
            )
        return self
