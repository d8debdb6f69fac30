"""Ablation cells: what a variant trains, by which curriculum, and its training.

All variants see the same clips in the same order for the same number of steps in batches of the same size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from sweettok.errors import InputError, on_one_line
from sweettok.language.codebook import Codebook
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Codebook as CodebookParams
from sweettok.params import Curriculum, CurriculumStage, Machine, Params, Part, PixelLoss, Section, Tokenizer
from sweettok.training.curriculum import TrainingData, build_tokenizer, forget_training, train_stage
from sweettok.training.loop import PLAIN

SomeSection = TypeVar("SomeSection", bound=Section)
# Patch features stay the proxy's in every curriculum, so that they do not tell curricula apart.
ALL_PARTS: tuple[Part, ...] = ("spatial", "temporal", "decoder", "pixel_decoder")
CHECKPOINT_EVERY = 100  # steps; a cell is short, so little is lost
ROUNDS = 2  # of the alternating curriculum: each trains the temporal part, then the spatial one


@dataclass(frozen=True)
class Training:
    """One training of a cell. The step count, batch size and seed in `stage` are the cell's."""

    name: str
    stage: CurriculumStage
    pixel_loss: PixelLoss


def cell_tokenizer(params: Params, variant: str, seed: int) -> Tokenizer:
    """The tokenizer section of a cell. Raises InputError where the variant's overrides are not valid."""
    return _overridden(
        Tokenizer, params.tokenizer, params.ablation.variants[variant].tokenizer | {"seed": seed}, variant
    )


def cell_codebook(params: Params, variant: str) -> CodebookParams | None:
    """The codebook section of a variant that has one of its own, or None. Raises InputError (overrides not valid)."""
    chosen = params.ablation.variants[variant].codebook
    return _overridden(CodebookParams, params.codebook, chosen, variant) if chosen else None


def _overridden(section: type[SomeSection], base: SomeSection, changes: dict[str, Any], variant: str) -> SomeSection:
    try:
        return section.model_validate(base.model_dump() | changes)
    except ValueError as error:
        name = section.__name__.lower()
        raise InputError(f"ablation.variants.{variant}.{name}: {on_one_line(error)}") from error


def cell_trainings(params: Params, variant: str, seed: int) -> list[Training]:
    """The trainings of a cell, one after another, as its variant's `curriculum` says."""
    chosen, batch_size = params.ablation.variants[variant], params.ablation.schedule.batch_size
    return [
        Training(name, _resized(stage, steps, batch_size, seed, validations), weights)
        for name, stage, steps, validations, weights in CURRICULA[chosen.curriculum](params, chosen.validations)
    ]


Plan = list[
    tuple[str, CurriculumStage, int, int, PixelLoss]
]  # name, training, steps, validations, weights of the losses


def _three_stage(params: Params, validations: int) -> Plan:
    """The paper's: spatial part on images, both on videos, decoders on pixels (docs/paper.md, Curriculum)."""
    schedule = params.ablation.schedule
    lengths = {
        "train_spatial": schedule.spatial_steps,
        "train_joint": schedule.joint_steps,
        "finetune_pixels": schedule.pixel_steps,
    }
    return [(name, getattr(params, name), steps, validations, params.pixel_loss) for name, steps in lengths.items()]


def _end_to_end(params: Params, validations: int) -> Plan:
    """One training of all parts on pixels, with the optimiser of the joint training; as many validations as the three."""
    return [("end_to_end", _all_on_pixels(params), _steps(params), 3 * validations, params.pixel_loss)]


def _alternating(params: Params, validations: int) -> Plan:
    """Instead of the joint training, temporal and spatial part in turns, each with the other one frozen."""
    first, _, last = _three_stage(params, validations)
    blocks = [
        (f"{part}_{number}", params.train_joint.model_copy(update={"trains": (part, "decoder")}))
        for number in range(1, ROUNDS + 1)
        for part in ("temporal", "spatial")
    ]
    lengths = _shares(params.ablation.schedule.joint_steps, len(blocks))
    turns = [
        (name, stage, steps, -(-validations // len(blocks)), params.pixel_loss)
        for (name, stage), steps in zip(blocks, lengths, strict=True)
    ]
    return [first, *turns, last]


def _staged_weights(params: Params, validations: int) -> Plan:
    """All parts on pixels from the first step on, the losses one after another: L2, then perceptual, then adversarial."""
    whole = params.pixel_loss
    without_adversary = whole.model_copy(update={"adversarial": 0.0, "feature_matching": 0.0})
    weights = {
        "l2": without_adversary.model_copy(update={"perceptual": 0.0}),
        "perceptual": without_adversary,
        "adversarial": whole,
    }
    lengths = _shares(_steps(params), len(weights))
    return [
        (name, _all_on_pixels(params), steps, validations, losses)
        for (name, losses), steps in zip(weights.items(), lengths, strict=True)
    ]


CURRICULA: dict[Curriculum, Callable[[Params, int], Plan]] = {
    "three_stage": _three_stage,
    "end_to_end": _end_to_end,
    "alternating": _alternating,
    "staged_weights": _staged_weights,
}


def _all_on_pixels(params: Params) -> CurriculumStage:
    changed = {"trains": ALL_PARTS, "clips": "videos", "optimiser": params.train_joint.optimiser}
    return params.finetune_pixels.model_copy(update=changed)


def _steps(params: Params) -> int:
    schedule = params.ablation.schedule
    return schedule.spatial_steps + schedule.joint_steps + schedule.pixel_steps


def _shares(steps: int, parts: int) -> list[int]:
    return [len(share) for share in np.array_split(np.arange(steps), parts)]


def _resized(stage: CurriculumStage, steps: int, batch_size: int, seed: int, validations: int) -> CurriculumStage:
    """The stage with another length; warm-up keeps its share of the steps."""
    changed = {
        "steps": steps,
        "batch_size": batch_size,
        "warmup": round(stage.optimiser.warmup * steps / max(1, stage.optimiser.steps)),
        "validate_every": max(1, steps // validations),
        "checkpoint_every": CHECKPOINT_EVERY,
    }
    return stage.model_copy(update={"seed": seed, "optimiser": stage.optimiser.model_copy(update=changed)})


def train_cell(
    params: Params,
    variant: str,
    seed: int,
    data: TrainingData,
    codebook: Codebook,
    proxy: ProxyTokenizer,
    judge: Judge,
    run: Any = None,
    machine: Machine = PLAIN,
) -> tuple[VideoTokenizer, list[dict], int]:
    """All trainings of an ablation cell, one after another: (model, history with a `stage` column, steps in all)."""
    tokenizer = cell_tokenizer(params, variant, seed)
    model, history, steps = build_tokenizer(tokenizer, codebook, proxy, data.clip), [], 0
    for training in cell_trainings(params, variant, seed):
        checkpoint = cell_checkpoint(variant, seed, training.name)
        losses = params.code_loss, training.pixel_loss
        model, rows = train_stage(checkpoint, model, training.stage, data, *losses, judge, run, steps, machine)
        history += [{"stage": training.name} | row | {"step": steps + row["step"]} for row in rows]
        steps += training.stage.optimiser.steps
    return model, history, steps


def forget_cell(params: Params, variant: str, seed: int) -> None:
    """`forget_training` of all trainings of an ablation cell, its prior's too."""
    for name in [training.name for training in cell_trainings(params, variant, seed)] + ["prior"]:
        forget_training(cell_checkpoint(variant, seed, name))


def cell_checkpoint(variant: str, seed: int, training: str) -> str:
    """The name of a training's checkpoint."""
    return f"ablation-{variant}-{seed}-{training}"
