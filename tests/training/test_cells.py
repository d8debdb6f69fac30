"""Ablation cells share a budget, change only what their variant says, and are trained as their curriculum says."""

from functools import partial
from pathlib import Path

import pytest
from side_by_side_jobs import weights_of_cell

from sweettok.errors import InputError
from sweettok.params import Machine, Variant, load_params
from sweettok.side_by_side import side_by_side
from sweettok.training.cells import (
    ALL_PARTS,
    CURRICULA,
    cell_codebook,
    cell_tokenizer,
    cell_trainings,
    forget_cell,
    train_cell,
)
from sweettok.training.curriculum import CHECKPOINTS

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def params_with(params=PARAMS, schedule=(), **variants):
    """Params with further variants and another schedule."""
    changed = {
        "variants": params.ablation.variants | variants,
        "schedule": params.ablation.schedule.model_copy(update=dict(schedule)),
    }
    return params.model_copy(update={"ablation": params.ablation.model_copy(update=changed)})


def trainings_of(curriculum, schedule=(), validations=1):
    params = params_with(schedule=schedule, odd=Variant(curriculum=curriculum, validations=validations))
    return cell_trainings(params, "odd", seed=0)


@pytest.mark.parametrize("curriculum", CURRICULA)
@pytest.mark.parametrize("joint_steps", [3, 220])
def test_cells_share_steps_batches_and_seed(curriculum, joint_steps):
    params = params_with(schedule={"joint_steps": joint_steps}, odd=Variant(curriculum=curriculum))
    schedule, trainings = params.ablation.schedule, cell_trainings(params, "odd", seed=2)
    steps = schedule.spatial_steps + joint_steps + schedule.pixel_steps
    assert sum(training.stage.optimiser.steps for training in trainings) == steps
    assert {training.stage.optimiser.batch_size for training in trainings} == {schedule.batch_size}
    assert {training.stage.seed for training in trainings} == {2} == {cell_tokenizer(params, "odd", 2).seed}
    assert all(training.stage.optimiser.warmup <= training.stage.optimiser.steps for training in trainings)
    assert len({training.name for training in trainings}) == len(trainings)  # they name checkpoints


def test_cells_change_only_what_their_variant_says():
    full, trainings = cell_tokenizer(PARAMS, "full", seed=0), cell_trainings(PARAMS, "full", seed=0)
    assert [training.name for training in trainings] == ["train_spatial", "train_joint", "finetune_pixels"]
    assert full == PARAMS.tokenizer.model_copy(update={"seed": 0})
    for variant, chosen in PARAMS.ablation.variants.items():
        assert cell_tokenizer(PARAMS, variant, seed=0).model_dump() == full.model_dump() | chosen.tokenizer
        if chosen.curriculum == "three_stage":
            assert cell_trainings(PARAMS, variant, seed=0) == trainings


def test_end_to_end_is_one_training_of_all_on_pixels():
    (training,) = trainings_of("end_to_end")
    assert set(training.stage.trains) == set(ALL_PARTS)
    assert (training.stage.clips, training.stage.target) == ("videos", "pixels")
    assert training.stage.optimiser.lr == PARAMS.train_joint.optimiser.lr


def test_alternating_trains_one_part_at_a_time():
    first, *turns, last = trainings_of("alternating")
    assert (first.stage, last.stage) == tuple(training.stage for training in trainings_of("three_stage")[::2])
    assert [training.stage.trains for training in turns] == [("temporal", "decoder"), ("spatial", "decoder")] * 2
    assert {(training.stage.clips, training.stage.target) for training in turns} == {("videos", "proxy_codes")}


def test_staged_weights_add_one_loss_after_another():
    losses = [training.pixel_loss for training in trainings_of("staged_weights")]
    assert [bool(loss.perceptual) for loss in losses] == [False, True, True]
    assert (
        [bool(loss.adversarial) for loss in losses]
        == [False, False, True]
        == [bool(loss.feature_matching) for loss in losses]
    )
    assert losses[-1] == PARAMS.pixel_loss and {loss.l2 for loss in losses} == {PARAMS.pixel_loss.l2}


@pytest.mark.parametrize("curriculum", CURRICULA)
def test_validations_are_points_of_a_curve_and_change_nothing_else(curriculum):
    once, often = trainings_of(curriculum), trainings_of(curriculum, validations=5)
    for few, many in zip(once, often, strict=True):
        assert many.stage.optimiser.validate_every <= few.stage.optimiser.validate_every
        few = few.stage.optimiser.model_copy(update={"validate_every": many.stage.optimiser.validate_every})
        assert few == many.stage.optimiser
    counts = [t.stage.optimiser.steps // t.stage.optimiser.validate_every for t in often]
    assert 13 <= sum(counts) <= 18  # as many for every curriculum, however many trainings it has


@pytest.mark.parametrize(
    "override, named", [({"nonsense": 1}, "nonsense"), ({"lookup": "psychic"}, "composed"), ({"width": "64"}, "width")]
)
def test_wrong_override_of_a_variant(override, named):
    params = params_with(odd=Variant(tokenizer=override))
    with pytest.raises(InputError, match=rf"ablation\.variants\.odd\.tokenizer: .*{named}") as refused:
        cell_tokenizer(params, "odd", 0)
    assert "\n" not in str(refused.value)


def test_a_codebook_of_the_variants_own():
    assert cell_codebook(PARAMS, "full") is None
    params = params_with(odd=Variant(codebook={"provider": "hashed"}), wrong=Variant(codebook={"provider": "psychic"}))
    assert cell_codebook(params, "odd") == PARAMS.codebook.model_copy(update={"provider": "hashed"})
    with pytest.raises(InputError, match=r"ablation\.variants\.wrong\.codebook: .*minilm"):
        cell_codebook(params, "wrong")


SMALL = {"spatial_steps": 3, "joint_steps": 4, "pixel_steps": 2, "batch_size": 2}
ENDS = {
    "three_stage": {"train_spatial": 3, "train_joint": 7, "finetune_pixels": 9},
    "end_to_end": {"end_to_end": 9},
    "alternating": {"train_spatial": 3, "temporal_1": 4, "spatial_1": 5, "temporal_2": 6, "spatial_2": 7, "finetune_pixels": 9},
    "staged_weights": {"l2": 3, "perceptual": 6, "adversarial": 9},
}  # fmt: skip


@pytest.mark.parametrize(
    "curriculum, architecture",
    [*((curriculum, "decoupled") for curriculum in CURRICULA), ("three_stage", "downsample")],
)
def test_a_whole_cell(curriculum, architecture, tokenizer_of, training_data, codebook, proxy, judge):
    odd = Variant(tokenizer={"architecture": architecture}, curriculum=curriculum)
    params = params_with(PARAMS.model_copy(update={"tokenizer": tokenizer_of()}), SMALL, odd=odd)
    model, history, steps = train_cell(params, "odd", 1, training_data, codebook, proxy, judge)
    assert steps == 9 == history[-1]["step"] and not model.training
    assert [row["step"] for row in history] == sorted(row["step"] for row in history)
    assert {row["stage"]: row["step"] for row in history} == ENDS[curriculum]
    forget_cell(params, "odd", 1)
    assert not CHECKPOINTS.exists() or list(CHECKPOINTS.iterdir()) == []


def test_cells_on_ray_are_those_of_this_machine(ray_cluster, tokenizer_of, training_data, codebook, proxy, judge):
    params = params_with(PARAMS.model_copy(update={"tokenizer": tokenizer_of()}), SMALL, odd=Variant())
    of_seed = partial(weights_of_cell, params, training_data, codebook, proxy, judge)
    one, other = (side_by_side(of_seed, [0, 1], Machine(cells=1, engine=engine)) for engine in ("local", "ray"))
    assert one == other and one[0] != one[1]
