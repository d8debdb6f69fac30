"""Training a prior: the tokens of the clips, one training over them, and what it has learned."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sweettok.generation.layout import TokenLayout, layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.generation.task import PriorTask
from sweettok.models.processes import over_processes, own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Generator, Machine
from sweettok.training.curriculum import training_checkpoint, weights_hash
from sweettok.training.loop import PLAIN, train, validate
from sweettok.video.store import ClipStore

CLIPS_AT_ONCE = 32


@dataclass(frozen=True)
class TokenizedClips:
    """What every prior over a tokenizer's tokens learns from; it may go from process to process.

    ids          split -> joint ids, int64 (clips, S)
    fingerprint  of the training clips and the tokenizer's weights
    """

    layout: TokenLayout
    train: ClipStore
    val: ClipStore
    ids: dict[str, Tensor]
    fingerprint: tuple[str, str]

    @classmethod
    def of(cls, pixels: str | Path, data: str | Path) -> "TokenizedClips":
        """The splits train and val of a store in the tokens of a trained tokenizer, `pixels` its folder.

        Raises InputError (no tokenizer or store, or the two do not fit).
        """
        tokenizer = VideoTokenizer.load(pixels)
        train, val = (
            ClipStore.open(data, split).expect(tokenizer.frames, tokenizer.size, by=str(pixels))
            for split in ("train", "val")
        )
        return cls.tokenized(tokenizer.to(own_device()), train, val)

    @classmethod
    def tokenized(cls, tokenizer: VideoTokenizer, train: ClipStore, val: ClipStore) -> "TokenizedClips":
        """Tokenize clips on the tokenizer's device; each process its share, and all get all of them."""
        layout, device = layout_of(tokenizer), next(tokenizer.parameters()).device

        def tokens_of(store: ClipStore, part: Tensor) -> Tensor:
            return layout.flatten(tokenizer.encode(store.clips(part).to(device)))

        ids = {
            split: over_processes(partial(tokens_of, store), torch.arange(len(store)).split(CLIPS_AT_ONCE))
            for split, store in (("train", train), ("val", val))
        }
        return cls(layout, train, val, ids, (train.fingerprint, weights_hash(tokenizer)))


def train_prior(
    settings: Generator, clips: TokenizedClips, name: str, run: Any = None, machine: Machine = PLAIN
) -> tuple[Prior, list[dict]]:
    """One training: (averaged prior in eval mode on the CPU, history).

    Resumes from `outputs/.checkpoints/<name>.pt` where one of the same settings, clips and tokenizer exists. Raises
    InputError where settings fit no prior, or the training diverges.
    """
    classes = len(clips.train.classes)
    config = PriorConfig(settings.layers, settings.heads, settings.width, classes, settings.label_dropout, clips.layout)
    prior = Prior(config, torch.Generator().manual_seed(settings.seed))
    task = PriorTask(prior, clips.ids, clips.train, clips.val, settings.seed)
    checkpoint = training_checkpoint(name, [settings], list(clips.fingerprint))
    return train(task, settings.optimiser, settings.seed, checkpoint, run, machine=machine)


def validation_loss(prior: Prior, clips: TokenizedClips) -> float:
    """Nats a token on all validation clips, without label dropout; each process measures its share.

    The prior ends on the device where it was measured.
    """
    task = PriorTask(prior, clips.ids, clips.train, clips.val, seed=0)
    task.to(own_device())
    return validate(task, prior)["loss"] * clips.layout.indices_per_token
