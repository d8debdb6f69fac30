"""The loop on a task that can be computed by hand: schedule, average, guards, resuming."""

from types import SimpleNamespace

import pytest
import torch
from accelerate.utils import DistributedType
from line_task import Killed, Line, Wide, same_weights
from torch import nn

from sweettok.errors import InputError
from sweettok.params import Machine
from sweettok.training.average import MovingAverage
from sweettok.training.checkpoint import Checkpoint
from sweettok.training.divergence import TrainingDiverged
from sweettok.training.loop import learning_rate, seed_of_step, train
from sweettok.training.muon import Muon


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "line.pt", "line")


def test_learning_rate_warms_up_then_falls_to_its_end(optimiser_of):
    optimiser = optimiser_of(steps=100, warmup=10, lr=1.0, final_lr=0.1)
    rates = [learning_rate(step, optimiser) for step in range(101)]
    assert rates[:11] == pytest.approx([(step + 1) / 11 for step in range(11)])
    assert max(rates) == rates[10] == 1 and rates[100] == pytest.approx(0.1)
    assert all(a > b for a, b in zip(rates[10:], rates[11:], strict=False))
    assert rates[55] == pytest.approx((1 + 0.1) / 2)


@pytest.mark.parametrize("steps, warmup", [(10, 0), (5, 5), (5, 9), (1, 0)])
def test_learning_rate_of_short_trainings_is_positive(optimiser_of, steps, warmup):
    optimiser = optimiser_of(steps=steps, warmup=warmup, lr=1.0, final_lr=0.1)
    assert all(0 < learning_rate(step, optimiser) <= 1 for step in range(steps))


def test_without_decay_the_average_is_the_model(checkpoint, optimiser_of):
    task = Line()
    averaged, _ = train(task, optimiser_of(ema=0.0), 0, checkpoint)
    for mine, theirs in zip(averaged.parameters(), task.model.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-7)


def test_learns(checkpoint, optimiser_of):
    settings = {"algorithm": "adamw", "steps": 200, "lr": 0.05, "final_lr": 0.01, "batch_size": 8, "validate_every": 50}
    _, history = train(Line(), optimiser_of(**settings), 0, checkpoint)
    errors = [row["error"] for row in history if row["split"] == "val"]
    assert len(errors) == 4 and errors[-1] < 0.1 and errors[-1] < errors[0]


def test_no_steps_leave_the_model_as_it_is(checkpoint, optimiser_of):
    task = Line()
    averaged, history = train(task, optimiser_of(steps=0), 0, checkpoint)
    assert history == [] and same_weights(averaged, task.model) and not averaged.training


@pytest.mark.parametrize("deaths", [[3], [5], [7], [7, 11], [6, 6, 11]])
def test_killed_and_resumed_is_uninterrupted(tmp_path, optimiser_of, deaths, caplog):
    whole = Line()
    expected, rows = train(whole, optimiser_of(), 0, Checkpoint(tmp_path / "whole.pt", "line"))
    for death in deaths:
        with pytest.raises(Killed):
            train(Line(kill_at=death), optimiser_of(), 0, Checkpoint(tmp_path / "line.pt", "line"))
    last = Line()
    with caplog.at_level("INFO"):
        averaged, history = train(last, optimiser_of(), 0, Checkpoint(tmp_path / "line.pt", "line"))
    start = 5 * (max(deaths) // 5)
    assert sorted(last.seen) == list(range(start, 12)) and all(
        last.seen[step] == whole.seen[step] for step in last.seen
    )
    assert ("resuming" in caplog.text) == (start > 0)
    assert same_weights(averaged, expected) and same_weights(last.model, whole.model) and history == rows


def test_resuming_restores_the_task(checkpoint, optimiser_of):
    with pytest.raises(Killed):
        train(Line(kill_at=7), optimiser_of(), 0, checkpoint)
    task = Line()
    train(task, optimiser_of(), 0, checkpoint)
    assert task.restored == {"seen": 5}


def test_seed_decides_what_is_drawn(tmp_path, optimiser_of):
    models = [
        train(Line(), optimiser_of(), seed, Checkpoint(tmp_path / f"{n}.pt", "x"))[0]
        for n, seed in enumerate((0, 0, 1))
    ]
    assert same_weights(models[0], models[1]) and not same_weights(models[0], models[2])


def test_training_does_not_depend_on_the_random_state_it_finds(tmp_path, optimiser_of):
    first, _ = train(Line(), optimiser_of(), 0, Checkpoint(tmp_path / "a.pt", "x"))
    task = Line()
    torch.manual_seed(999)
    assert same_weights(first, train(task, optimiser_of(), 0, Checkpoint(tmp_path / "b.pt", "x"))[0])


def test_nan_stops_the_training_and_names_step_and_clips(checkpoint, optimiser_of):
    task = Line(nan_at=7)
    with pytest.raises(TrainingDiverged) as stopped:
        train(task, optimiser_of(), 0, checkpoint)
    message = str(stopped.value)
    assert message.startswith("line: loss nan ") and "\n" not in message
    assert "step 7" in message and str(task.seen[7]) in message
    assert isinstance(stopped.value, InputError)
    assert all(p.isfinite().all() for p in task.model.parameters())  # stopped before the weights took harm
    assert checkpoint.load()["step"] == 5


def test_damaged_checkpoint_starts_afresh(tmp_path, optimiser_of, caplog):
    expected, rows = train(Line(), optimiser_of(), 0, Checkpoint(tmp_path / "whole.pt", "line"))
    with pytest.raises(Killed):
        train(Line(kill_at=7), optimiser_of(), 0, Checkpoint(tmp_path / "line.pt", "line"))
    file = tmp_path / "line.pt"
    file.write_bytes(file.read_bytes()[:200])
    averaged, history = train(Line(), optimiser_of(), 0, Checkpoint(file, "line"))
    assert "unreadable" in caplog.text
    assert same_weights(averaged, expected) and history == rows


def test_checkpoint_of_another_training_starts_afresh(tmp_path, optimiser_of, caplog):
    with pytest.raises(Killed):
        train(Line(kill_at=7), optimiser_of(), 0, Checkpoint(tmp_path / "line.pt", "one"))
    task = Line()
    train(task, optimiser_of(), 0, Checkpoint(tmp_path / "line.pt", "other"))
    assert min(task.seen) == 0 and "other params" in caplog.text


def test_weights_that_are_not_trainable_stay(checkpoint, optimiser_of):
    task = Line()
    task.trainable = lambda: [task.model[0].weight]
    bias = task.model[0].bias.detach().clone()
    weight = task.model[0].weight.detach().clone()
    averaged, _ = train(task, optimiser_of(), 0, checkpoint)
    assert torch.equal(task.model[0].bias, bias) and torch.equal(averaged[0].bias, bias)
    assert not torch.equal(task.model[0].weight, weight)


@pytest.mark.parametrize("algorithm", ["adamw", "muon"])
def test_against_the_plain_loop_to_the_last_bit(checkpoint, optimiser_of, algorithm):
    """One process and whole batches: what accelerate, loading and parts add must not touch a number."""
    optimiser = optimiser_of(steps=12, algorithm=algorithm, lr=4e-3, adam_lr=1e-3)
    task, plain = Wide(), Wide()
    averaged, history = train(task, optimiser, 3, checkpoint)
    matrix, rest = plain.model[2].weight, [p for p in plain.trainable() if p is not plain.model[2].weight]
    adam = {"betas": optimiser.betas, "weight_decay": optimiser.weight_decay, "fused": True}
    movers = {"adamw": [(torch.optim.AdamW(plain.trainable(), **adam), 4e-3)]}
    movers["muon"] = [(Muon([matrix], 4e-3, optimiser.weight_decay), 4e-3), (torch.optim.AdamW(rest, **adam), 1e-3)]
    average = MovingAverage(plain.model, optimiser.ema)
    for step, indices in enumerate(plain.batches(optimiser.batch_size, 12, 0)):
        torch.manual_seed(3 * 1_000_003 + step)
        loss, _ = plain.loss(plain.dataset[indices], step)
        plain.model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(plain.trainable(), optimiser.grad_clip)
        for mover, top in movers[algorithm]:
            mover.param_groups[0]["lr"] = top * learning_rate(step, optimiser) / optimiser.lr
            mover.step()
        average.update()
    assert same_weights(task.model, plain.model) and same_weights(averaged, average.module)
    assert [row["loss"] for row in history if row["split"] == "train"] == [loss.item()]


def test_both_optimisers_follow_the_same_curve(checkpoint, optimiser_of, monkeypatch):
    rates = {"Muon": [], "AdamW": []}
    for kind in (Muon, torch.optim.AdamW):

        def watched(self, step=kind.step):
            rates[type(self).__name__].append(self.param_groups[0]["lr"])
            step(self)

        monkeypatch.setattr(kind, "step", watched)
    optimiser = optimiser_of(algorithm="muon", lr=0.02, final_lr=0.01, adam_lr=0.004)
    _, history = train(Wide(), optimiser, 0, checkpoint)
    curve = [learning_rate(step, optimiser) for step in range(12)]
    assert rates["Muon"] == pytest.approx(curve) and rates["AdamW"] == pytest.approx([rate / 5 for rate in curve])
    assert [row["lr"] for row in history if row["split"] == "train"] == curve[-1:]  # Muon's is the one that is logged


MOMENTS = {"exp_avg", "exp_avg_sq", "step"}


@pytest.mark.parametrize("algorithm, kept", [("adamw", [MOMENTS]), ("muon", [{"momentum"}, MOMENTS])])
def test_a_checkpoint_has_the_state_of_every_optimiser(checkpoint, optimiser_of, algorithm, kept):
    with pytest.raises(Killed):
        train(Wide(kill_at=7), optimiser_of(algorithm=algorithm), 0, checkpoint)
    states = checkpoint.load()["optimisers"]
    assert [set(state["state"][0]) for state in states] == kept


@pytest.mark.parametrize("algorithm", ["adamw", "muon"])
def test_killed_and_resumed_with_either_algorithm(tmp_path, optimiser_of, algorithm):
    whole, optimiser = Wide(), optimiser_of(algorithm=algorithm)
    expected, rows = train(whole, optimiser, 0, Checkpoint(tmp_path / "whole.pt", "line"))
    with pytest.raises(Killed):
        train(Wide(kill_at=7), optimiser, 0, Checkpoint(tmp_path / "line.pt", "line"))
    last = Wide()
    averaged, history = train(last, optimiser, 0, Checkpoint(tmp_path / "line.pt", "line"))
    assert min(last.seen) == 5 and history == rows
    assert same_weights(averaged, expected) and same_weights(last.model, whole.model)


class Still(Line):
    """Without noise and without batch statistics: the loss of a batch is the mean of its parts'."""

    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def layers(self):
        return [self.model[1]]

    def loss(self, batch, step):
        indices = batch["indices"]
        self.seen.setdefault(step, []).append(indices.tolist())
        loss = (self.model(self.x[indices]) - self.y[indices]).square().mean()
        return loss, {"half": loss.detach() / 2}


def close_weights(one, other):
    theirs = other.state_dict()
    return all(torch.allclose(value, theirs[name], atol=1e-5) for name, value in one.state_dict().items())


@pytest.mark.parametrize("accumulate", [2, 4])
def test_accumulated_parts_equal_the_whole_batch(tmp_path, optimiser_of, accumulate):
    runs = {}
    for parts in (1, accumulate):
        task, optimiser = Still(), optimiser_of(batch_size=4, accumulate=parts)
        torch.manual_seed(0)
        averaged, history = train(task, optimiser, 0, Checkpoint(tmp_path / f"{parts}.pt", "x"))
        runs[parts] = averaged, history, task.seen
    (one, rows, seen), (other, their_rows, their_seen) = runs.values()
    assert close_weights(one, other)
    assert rows[-2]["loss"] == pytest.approx(their_rows[-2]["loss"], abs=1e-6)
    assert rows[-2]["half"] == pytest.approx(their_rows[-2]["half"], abs=1e-6)
    for step in seen:
        assert len(their_seen[step]) == accumulate and sum(their_seen[step], []) == seen[step][0]


def test_a_batch_that_does_not_divide_into_parts_is_refused(checkpoint, optimiser_of):
    with pytest.raises(InputError, match="batch_size 3 .*1 .*2 .*accumulate"):
        train(Line(), optimiser_of(accumulate=2), 0, checkpoint)


def test_launchers_that_share_out_weights_are_refused(checkpoint, optimiser_of, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator", lambda **_: SimpleNamespace(distributed_type=DistributedType.FSDP))
    with pytest.raises(InputError, match="FSDP"):
        train(Line(), optimiser_of(), 0, checkpoint)


def test_the_machine_changes_no_number(tmp_path, optimiser_of):
    expected, rows = train(Still(), optimiser_of(), 0, Checkpoint(tmp_path / "plain.pt", "x"))
    for number, machine in enumerate((Machine(workers=2), Machine(activation_checkpointing=True))):
        averaged, history = train(
            Still(), optimiser_of(), 0, Checkpoint(tmp_path / f"{number}.pt", "x"), machine=machine
        )
        assert same_weights(averaged, expected) and history == rows, machine


def test_every_process_and_step_draws_for_itself():
    """The CPU's generator looks at the last 32 bits of a seed."""
    seeds = {seed_of_step(seed, step, rank) % 2**32 for seed in range(3) for step in range(200) for rank in range(8)}
    assert len(seeds) == 3 * 200 * 8
    assert seed_of_step(3, 17, 0) == 3 * 1_000_003 + 17
