"""The curriculum: which trainings, in which order, on what (paper: spatial on images, joint on videos, pixels)."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sweettok.errors import InputError
from sweettok.language.codebook import Codebook
from sweettok.models.judge import Judge
from sweettok.models.processes import over_processes
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import CodeLoss, CurriculumStage, Machine, Patches, PixelLoss, Proxy, Section, Tokenizer
from sweettok.storage import atomic_directory, read_sealed, sha256_of
from sweettok.training.checkpoint import Checkpoint, hash_of, load_weights, write_history, write_module
from sweettok.training.criteria import CodeCriterion, Criterion, PixelCriterion
from sweettok.training.loop import PLAIN, train
from sweettok.training.tokenizer_task import TokenizerTask
from sweettok.video.store import ClipStore

CHECKPOINTS = Path("outputs/.checkpoints")


@dataclass(frozen=True)
class TrainingData:
    """What every training of a tokenizer reads: clips, and the proxy's codes for them ((clips, frames, patches) each)."""

    train: ClipStore
    val: ClipStore
    codes: dict[str, Tensor]
    fingerprint: str

    @property
    def clip(self) -> tuple[int, int]:
        """(frames, size) of the clips."""
        return self.train.frames, self.train.size

    @classmethod
    def load(cls, data: str | Path, proxy: str | Path) -> "TrainingData":
        """Open the splits and the codes for them. Raises InputError (no store or proxy, a proxy of other clips)."""
        train, val = ClipStore.open(data, "train"), ClipStore.open(data, "val")
        config = read_sealed(Path(proxy) / "config.json")
        codes = {split: _codes(Path(proxy) / f"codes_{split}.npy", config) for split in ("train", "val")}
        patches = Patches.model_validate(config["patches"])
        for split, store in (("train", train), ("val", val)):
            _, frames, count = codes[split].shape
            store.expect(1 + (frames - 1) * patches.temporal, math.isqrt(count) * patches.spatial, by=str(proxy))
            if len(codes[split]) != len(store):
                raise InputError(
                    f"{proxy}/codes_{split}.npy has {len(codes[split])} clips, the store {len(store)}; run dvc repro train_proxy"
                )
        return cls(train, val, codes, hash_of([train.fingerprint, config]))

    def share(self, number: int, shares: int) -> "TrainingData":
        """With one of `shares` equal parts of the training clips (`ClipStore.share`); the validation clips stay."""
        train = self.train.share(number, shares)
        codes = self.codes | {"train": self.codes["train"][number::shares]}
        return TrainingData(train, self.val, codes, hash_of([self.fingerprint, number, shares]))


def _codes(path: Path, config: dict[str, Any]) -> Tensor:
    """The proxy's codes of a split. Raises InputError naming the file where it is not the one that config.json states."""
    if not path.is_file() or sha256_of(path) != config["codes_sha256"].get(path.name):
        raise InputError(
            f"{path} is absent or damaged (checksum differs from config.json); run `dvc repro train_proxy`"
        )
    return torch.from_numpy(np.load(path, allow_pickle=False))


def load_judge(folder: str | Path) -> Judge:
    """The trained judge, frozen. Its fingerprint is the sha256 of its weights."""
    config = read_sealed(Path(folder) / "config.json")
    judge = Judge({name: len(values) for name, values in config["labels"].items()}, config["width"])
    judge.values, judge.fingerprint = config["labels"], load_weights(folder, judge)["sha256"]
    return judge.requires_grad_(False)


def load_proxy(folder: str | Path) -> ProxyTokenizer:
    """The trained proxy, frozen."""
    config = read_sealed(Path(folder) / "config.json")
    proxy = ProxyTokenizer(Proxy.model_validate(config["proxy"]), Patches.model_validate(config["patches"]))
    load_weights(folder, proxy)
    return proxy.requires_grad_(False)


@torch.no_grad()
def code_clips(proxy: ProxyTokenizer, store: ClipStore) -> np.ndarray:
    """The proxy's codes of all clips: int32 (clips, frames, patches). Each process codes its share."""
    device = proxy.to_code.weight.device
    parts = torch.arange(len(store)).split(32)
    return over_processes(lambda part: proxy.encode(store.clips(part).to(device)).int(), parts).numpy()


def save_proxy(folder: str | Path, proxy: ProxyTokenizer, codes: dict[str, np.ndarray], history: list[dict]) -> None:
    """Write the proxy and its codes of each split, all or nothing."""
    with atomic_directory(folder) as partial:
        config = {"proxy": proxy.proxy.model_dump(mode="json")} | write_codes(partial, proxy.patches, codes)
        write_module(partial, proxy, config, history)


def write_codes(folder: Path, patches: Patches, codes: dict[str, np.ndarray]) -> dict[str, Any]:
    """Write a proxy's codes of each split; returns what config.json says of them."""
    for split, array in codes.items():
        np.save(folder / f"codes_{split}.npy", array)
    return {
        "patches": patches.model_dump(mode="json"),
        "codes_sha256": {path.name: sha256_of(path) for path in sorted(folder.glob("codes_*.npy"))},
    }


def finish_stage(name: str, model: VideoTokenizer, history: list[dict]) -> None:
    """Write outputs/<name> (model and history.csv) and drop the stage's checkpoint."""
    with atomic_directory(Path("outputs") / name) as partial:
        model.write(partial)
        write_history(partial / "history.csv", history)
    forget_training(name)


def build_tokenizer(
    tokenizer: Tokenizer, codebook: Codebook, proxy: ProxyTokenizer, clip: tuple[int, int]
) -> VideoTokenizer:
    """A tokenizer with initial weights (drawn from `tokenizer.seed`) for clips of (frames, size), started from the proxy or not."""
    torch.manual_seed(tokenizer.seed)
    model = VideoTokenizer(tokenizer, proxy.patches, proxy.proxy, clip, codebook)
    if tokenizer.start == "proxy":
        model.start_from(proxy)
    return model


def train_stage(
    name: str,
    model: VideoTokenizer,
    stage: CurriculumStage,
    data: TrainingData,
    code_loss: CodeLoss | None = None,
    pixel_loss: PixelLoss | None = None,
    judge: Judge | None = None,
    run: Any = None,
    first_step: int = 0,
    machine: Machine = PLAIN,
) -> tuple[VideoTokenizer, list[dict]]:
    """Run one training of the curriculum on `model`; returns (averaged model in eval mode, history).

    `first_step` is where its curves start in the run that logs several trainings.

    Resumes from `outputs/.checkpoints/<name>.pt` where one of the same params, data and start exists.
    Raises InputError where the clips have another shape than the model's, or the training diverges.
    """
    data.train.expect(model.frames, model.size, by="the tokenizer")
    torch.manual_seed(stage.seed)
    criterion: Criterion
    if stage.target == "pixels":
        assert pixel_loss
        criterion = PixelCriterion(pixel_loss, judge, stage.optimiser.steps)
    else:
        assert code_loss
        criterion = CodeCriterion(code_loss, judge, stage.optimiser.steps)
    task = TokenizerTask(name, model, stage, criterion, data.train, data.val, data.codes)
    sections = [section for section in (model.config, stage, code_loss, pixel_loss) if section is not None]
    checkpoint = training_checkpoint(
        name, sections, [data.fingerprint, weights_hash(model), judge.fingerprint if judge else ""]
    )
    return train(task, stage.optimiser, stage.seed, checkpoint, run, first_step, machine)


def training_checkpoint(name: str, sections: Sequence[Section], inputs: list[str]) -> Checkpoint:
    """The checkpoint of the training `name`, valid only for these params and the fingerprints of these inputs."""
    return Checkpoint(
        CHECKPOINTS / f"{name}.pt", hash_of([section.model_dump(mode="json") for section in sections] + inputs)
    )


def forget_training(name: str) -> None:
    """Delete the checkpoint of a training whose result is on disk; until then a killed stage goes on from it."""
    (CHECKPOINTS / f"{name}.pt").unlink(missing_ok=True)


def weights_hash(model: torch.nn.Module) -> str:
    """SHA-256 over the state of a module."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
