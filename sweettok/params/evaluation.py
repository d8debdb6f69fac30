"""Sections on what is measured: reconstruction, samples, semantics, ablations."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from sweettok.params.models import Generator
from sweettok.params.section import Section

Curriculum = Literal["three_stage", "end_to_end", "alternating", "staged_weights"]
SMALLEST = 11  # pixels a side, the window of SSIM


class EvaluateReconstruction(Section):
    """Reconstruction of the test clips (stage evaluate_reconstruction, ablation cells)."""

    batch_size: PositiveInt
    bootstrap: PositiveInt = Field(description="resamples of a 95 % interval")
    seed: NonNegativeInt


def _listed(value: Any) -> Any:
    """A single number as a list of one."""
    return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _distinct(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(values)) < len(values):
        raise ValueError("expected different candidates, but one is listed twice")
    return values


Candidates = BeforeValidator(_listed), AfterValidator(_distinct)


class _Draws(Section):
    """What all candidates of a choice share."""

    samples: PositiveInt
    batch_size: PositiveInt
    top_k: NonNegativeInt = Field(description="0: all")
    top_p: Annotated[float, Field(gt=0, le=1)]
    seed: NonNegativeInt


class SamplingSettings(_Draws):
    """One way to draw clips from the prior; no section, but one candidate of `Sampling`."""

    temperature: PositiveFloat
    guidance: NonNegativeFloat


class Sampling(_Draws):
    """Sampling from the prior (stages evaluate_generation and scale_prior).

    Of the pairs of guidance and temperature, the one whose samples are nearest to validation clips is used.
    """

    samples: PositiveInt = Field(ge=2, description="at least two: their distance to real clips needs a covariance")
    temperature: Annotated[tuple[PositiveFloat, ...], *Candidates] = Field(
        strict=False, min_length=1, description="candidates; a single number: no choice"
    )
    guidance: Annotated[tuple[NonNegativeFloat, ...], *Candidates] = Field(
        strict=False, min_length=1, description="candidates of the CFG scale: u + s (c - u); 1: none"
    )
    choice_samples: PositiveInt = Field(ge=2, description="drawn of each pair of candidates for the choice")

    @property
    def candidates(self) -> tuple[SamplingSettings, ...]:
        """Every guidance with every temperature, in the order in which they are listed."""
        shared = {name: getattr(self, name) for name in _Draws.model_fields}
        return tuple(
            SamplingSettings(**shared, temperature=temperature, guidance=guidance)
            for guidance in self.guidance for temperature in self.temperature
        )  # fmt: skip


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
    probe_folds: PositiveInt = Field(
        ge=2, description="of the cross-validation where probe_clips is 0, and in ablation cells"
    )
    probe_clips: NonNegativeInt = Field(
        default=0,
        description="training clips that the main model's probes are fitted on; 0: cross-validation on test clips",
    )
    permutations: PositiveInt = Field(description="of the captions over the clips: the null of the mutual information")
    seed: NonNegativeInt


# DVC makes a stage's name and a folder of it.
VariantName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]


class AblationMatrix(Section):
    """Which cells dvc.yaml runs."""

    variants: tuple[VariantName, ...] = Field(strict=False)
    seeds: tuple[NonNegativeInt, ...] = Field(strict=False)
    replication_seeds: tuple[NonNegativeInt, ...] = Field(
        strict=False,
        description="those of `seeds`, and of the priors', that only repeat what the others found, trained on clips of "
        "their own: a drawn world draws as many again, a set of files gives each of the two sets of seeds one half",
    )

    @model_validator(mode="after")
    def _check_seeds(self) -> "AblationMatrix":
        if unknown := [seed for seed in self.replication_seeds if seed not in self.seeds]:
            raise ValueError(f"replication_seeds names {', '.join(map(str, unknown))}, which seeds does not have")
        if self.replication_seeds and set(self.replication_seeds) == set(self.seeds):
            raise ValueError("replication_seeds holds all seeds; leave some to be replicated")
        return self


class AblationSchedule(Section):
    """What every ablation cell shares: the length of its trainings."""

    spatial_steps: NonNegativeInt
    joint_steps: NonNegativeInt
    pixel_steps: NonNegativeInt
    batch_size: PositiveInt


class CellPrior(Section):
    """The prior over a cell's own tokens, for variants with `generation`; its seed and noise are those of the cell."""

    generator: Generator
    sampling: Sampling


# Of `tokenizer`: how patches become tokens, and what codes the tokens have.
FORM = frozenset({"architecture", "residual", "temporal_queries"})
CODES = frozenset({"quantizer", "words", "graph", "lookup"})


class Variant(Section):
    """An ablation variant: what it changes of the full model, nothing else."""

    tokenizer: dict[str, Any] = Field(default={}, description="keys of `tokenizer`")
    codebook: dict[str, Any] = Field(default={}, description="keys of `codebook`: a codebook of the variant's own")
    curriculum: Curriculum = "three_stage"
    validations: PositiveInt = Field(
        default=1, description="points of the curve in each training; they change no weight"
    )
    semantics: bool = Field(default=False, description="also few-shot and probes on the tokens, as `semantics` says")
    generation: bool = Field(default=False, description="also a prior over the tokens, as `ablation.prior` says")

    @property
    def table(self) -> str:
        """The ablation table of the one thing it changes: T4 (form), T5 (codes), T6 (curriculum); "" of any other change."""
        changes = {
            "T4": not FORM.isdisjoint(self.tokenizer),
            "T5": bool(self.codebook) or not CODES.isdisjoint(self.tokenizer),
            "T6": self.curriculum != "three_stage",
        }
        changed = [table for table, has_changed in changes.items() if has_changed]
        return changed[0] if len(changed) == 1 else ""


class Ablation(Section):
    """The ablation cells (stage ablation@variant: all seeds of a variant)."""

    matrix: AblationMatrix
    schedule: AblationSchedule
    prior: CellPrior | None = Field(description="of variants with `generation`; null: none has one")
    variants: dict[VariantName, Variant]

    @model_validator(mode="after")
    def _check_prior(self) -> "Ablation":
        generated = [name for name, variant in self.variants.items() if variant.generation]
        if generated and self.prior is None:
            raise ValueError(f"prior is null, but {', '.join(generated)} has generation: true; give it a section")
        return self

    @model_validator(mode="after")
    def _check_names(self) -> "Ablation":
        if unknown := [name for name in self.matrix.variants if name not in self.variants]:
            raise ValueError(
                f"matrix.variants names {', '.join(unknown)}, but variants has only {', '.join(self.variants)}"
            )
        return self
