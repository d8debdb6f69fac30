"""Train the class-conditional prior over the tokens of the training clips: outputs/generator."""

import torch

from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.task import PriorTask
from sweettok.models.processes import over_processes, own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory
from sweettok.tracking import Run
from sweettok.training.checkpoint import write_history
from sweettok.training.curriculum import training_checkpoint, weights_hash
from sweettok.training.loop import train
from sweettok.video.store import ClipStore

CLIPS_AT_ONCE = 32


def body(params: Params, run: Run | None) -> None:
    settings = params.generator
    device = own_device()
    tokenizer = VideoTokenizer.load("outputs/pixels").to(device)
    clips = {
        split: ClipStore.open("outputs/data", split).expect(tokenizer.frames, tokenizer.size, by="outputs/pixels")
        for split in ("train", "val")
    }
    layout = layout_of(tokenizer)
    ids = {
        split: over_processes(
            lambda part, store=store: layout.flatten(  # type: ignore[misc]  # mypy infers no lambda with a default
                tokenizer.encode(store.clips(part).to(device))
            ),
            torch.arange(len(store)).split(CLIPS_AT_ONCE),
        )
        for split, store in clips.items()
    }
    classes = len(clips["train"].classes)
    config = PriorConfig(settings.layers, settings.heads, settings.width, classes, settings.label_dropout, layout)
    prior = Prior(config, torch.Generator().manual_seed(settings.seed))
    task = PriorTask(prior, ids, clips["train"], clips["val"], settings.seed)
    inputs = [clips["train"].fingerprint, weights_hash(tokenizer.cpu())]
    checkpoint = training_checkpoint("generator", [settings], inputs)
    prior, history = train(task, settings.optimiser, settings.seed, checkpoint, run, machine=params.machine)
    if first_process():
        with atomic_directory("outputs/generator") as partial:
            prior.save(partial)
            write_history(partial / "history.csv", history)
        checkpoint.delete()


if __name__ == "__main__":
    run_stage("train_generator", body, parallel=True)
