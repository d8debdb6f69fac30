"""Sections on what is measured: reconstruction, samples, semantics, ablations."""

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sweettok.params.section import Section

Curriculum = Literal["three_stage", "end_to_end", "alternating", "staged_weights"]
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
    top_p: Annotated[float, Field(gt=0, le=1)]
    guidance: NonNegativeFloat = Field(description="CFG scale: u + s (c - u); 1: none")
    seed: NonNegativeInt


class PriorSize(Section):
    """What a prior of `prior_scaling` has of its own; all else is `generator`'s."""

    layers: PositiveInt
    heads: PositiveInt
    width: PositiveInt


class PriorMatrix(Section):
    """Which priors dvc.yaml trains; no sizes: none."""

    sizes: tuple[str, ...] = Field(strict=False)
    seeds: tuple[NonNegativeInt, ...] = Field(strict=False, min_length=1)


class PriorScaling(Section):
    """Priors of several sizes over the main model's tokens (stage scale_prior@size: all seeds of a size)."""

    matrix: PriorMatrix
    sizes: dict[str, PriorSize]

    @model_validator(mode="after")
    def _check_names(self) -> "PriorScaling":
        if unknown := [name for name in self.matrix.sizes if name not in self.sizes]:
            raise ValueError(f"matrix.sizes names {', '.join(unknown)}, but sizes has only {', '.join(self.sizes)}")
        return self


class Semantics(Section):
    """Probes, few-shot and mutual information (stage evaluate_semantics, ablation cells)."""

    ways: tuple[Annotated[PositiveInt, Field(ge=2)], ...] = Field(
        strict=False, min_length=1, description="of fewer classes: all"
    )
    shots: tuple[PositiveInt, ...] = Field(strict=False, min_length=1)
    episodes: PositiveInt
    language_model: str | None = Field(
        description="folder or hub name of a causal transformers model that reads the words in context; null: none"
    )
    language_model_episodes: PositiveInt
    probe_folds: PositiveInt = Field(ge=2)
    permutations: PositiveInt = Field(description="of the captions over the clips: the null of the mutual information")
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

    tokenizer: dict[str, Any] = Field(default={}, description="keys of `tokenizer`")
    codebook: dict[str, Any] = Field(default={}, description="keys of `codebook`: a codebook of the variant's own")
    curriculum: Curriculum = "three_stage"
    validations: PositiveInt = Field(
        default=1, description="points of the curve in each training; they change no weight"
    )
    semantics: bool = Field(default=False, description="also few-shot and probes on the tokens, as `semantics` says")


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
