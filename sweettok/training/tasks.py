"""What the loop trains: the judge, the proxy and the tokenizer (every stage of the curriculum)."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.models.convolution import CausalBlock
from sweettok.models.judge import Judge
from sweettok.models.processes import gathered_objects, process_count, process_rank
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.queries import QueryLayer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import CodeLoss, CurriculumStage
from sweettok.training.loading import Batch, loaded
from sweettok.training.losses import PictureLoss, PixelCriterion, mean_psnr
from sweettok.video.store import ClipStore, batches

VALIDATION_BATCH = 32
POSE = "pose"  # the label a judge learns where the data's own say nothing
LABEL_SMOOTHING = 0.05  # of the judge's targets in training


class StoreTask:
    """Shared by the tasks that read clips: batches of the training split, validation over the whole val split."""

    def __init__(self, name: str, model: nn.Module, train: ClipStore, val: ClipStore, seed: int) -> None:
        self.name, self.model, self.train_clips, self.val_clips, self.seed = name, model, train, val, seed
        self.device = torch.device("cpu")

    def trainable(self) -> list[nn.Parameter]:
        return list(self.model.parameters())

    def layers(self) -> list[nn.Module]:
        return [module for module in self.model.modules() if isinstance(module, QueryLayer | CausalBlock)]

    def to(self, device: torch.device) -> None:
        self.device = device
        self.model.to(device)

    def batches(self, batch_size: int, steps: int, start: int) -> Iterator[Tensor]:
        return batches(self.train_clips, batch_size, steps, self.seed, start)

    def read(self, indices: Tensor, split: str = "train") -> Batch:
        store = self.train_clips if split == "train" else self.val_clips
        return {"indices": indices, "clip": store.clips(indices)}

    def validation(self) -> Iterator[Batch]:
        """What was read of this process's share of the validation clips."""
        share = torch.arange(len(self.val_clips)).tensor_split(process_count())[process_rank()]
        parts = (part for part in share.split(VALIDATION_BATCH) if len(part))
        return loaded(lambda indices: self.read(indices, "val"), parts, self.device, workers=0)

    def after_step(self, step: int) -> dict[str, float]:
        return {}

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        pass


class JudgeTask(StoreTask):
    """Classify every label from frames and from the clip.

    Where all clips share one class and have no factors, labels teach nothing. The judge then learns which way a clip
    was turned (Gidaris et al. 2018, RotNet) and whether it runs backwards: label `POSE`.
    """

    model: Judge

    def __init__(self, model: Judge, train: ClipStore, val: ClipStore, seed: int) -> None:
        super().__init__("judge", model, train, val, seed)
        values = judge_labels(train)
        self.poses = len(values.pop(POSE, ()))
        self.labels = {"train": label_tensors(train, values), "val": label_tensors(val, values)}

    def read(self, indices: Tensor, split: str = "train") -> Batch:
        return super().read(indices, split) | {name: values[indices] for name, values in self.labels[split].items()}

    def _scores(self, model: Judge, clip: Tensor, targets: Batch, frame: int = 0) -> tuple[Tensor, dict[str, float]]:
        """Loss and accuracies; image features are of the frame of this number."""
        loss, correct = clip.new_zeros(()), {}
        if self.poses:
            clip = posed(clip, targets[POSE])
        smoothing = LABEL_SMOOTHING if torch.is_grad_enabled() else 0.0
        for name, (image, video) in model.predict(clip, frame).items():
            wanted = targets[name]
            for logits in (image, video):
                loss = loss + F.cross_entropy(logits.float(), wanted, label_smoothing=smoothing)
            correct[f"accuracy_{name.removeprefix('factor:')}"] = (video.argmax(-1) == wanted).float().mean().item()
        return loss / (2 * len(model.labels)), correct

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        self.model.train()
        clip = batch["clip"]
        each = (len(clip), 1, 1, 1, 1)
        clip = torch.where(torch.rand(each, device=clip.device) < 0.5, clip.flip(-1), clip)  # no label names a side
        # Noise and a random gain keep the judge from leaning on exact pixel values.
        clip = clip * torch.empty(each, device=clip.device).uniform_(0.8, 1.0) + 0.05 * torch.randn_like(clip)
        drawn = {POSE: torch.randint(self.poses, (len(clip),), device=clip.device)} if self.poses else {}
        return self._scores(self.model, clip, batch | drawn, int(torch.randint(clip.shape[2], ())))

    def validate(self, model: Judge) -> dict[str, float]:
        total = Means()
        for batch in self.validation():
            fixed = {POSE: batch["indices"] % self.poses} if self.poses else {}
            loss, correct = self._scores(model, batch["clip"], batch | fixed)
            total.add({"loss": loss.item(), **correct}, len(batch["clip"]))
        return total.means()


class ProxyTask(StoreTask):
    """Autoencode clips: L2 + perceptual."""

    model: ProxyTokenizer

    def __init__(self, model: ProxyTokenizer, judge: nn.Module, train: ClipStore, val: ClipStore, seed: int) -> None:
        super().__init__("proxy", model, train, val, seed)
        self.pictures = PictureLoss(model.proxy.l2, model.proxy.perceptual, judge)

    def to(self, device: torch.device) -> None:
        super().to(device)
        self.pictures.to(device)

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        self.model.train()
        return self.pictures(batch["clip"], self.model(batch["clip"]))

    def validate(self, model: ProxyTokenizer) -> dict[str, float]:
        total = Means()
        for batch in self.validation():
            clip = batch["clip"]
            total.add({"psnr": mean_psnr(clip, model(clip))}, len(clip))
        return total.means()


class CodeCriterion:
    """Losses of a training on proxy codes: cross-entropy of the digits, and distance of the codes, later of their pictures."""

    def __init__(self, weights: CodeLoss, judge: nn.Module | None, steps: int) -> None:
        self.weights, self.pictures = weights, PictureLoss(weights.l2, weights.perceptual, judge)
        self.start = round(weights.picture_start * steps)

    def to(self, device: torch.device) -> None:
        """Move the judge."""
        self.pictures.to(device)

    def __call__(
        self, model: VideoTokenizer, clip: Tensor, logits: Tensor, codes: Tensor, step: int
    ) -> tuple[Tensor, dict[str, float]]:
        """Logits (B, frames, cells, sum of levels), codes (B, frames, cells) of `clip` -> (loss, metrics to log)."""
        codes, coder = codes.long(), model.proxy_codes
        loss = self.weights.cross_entropy * coder.cross_entropy(logits, codes)
        metrics = {"accuracy": coder.accuracy(logits, codes).item()}
        if step < self.start:
            distance = (coder.expected(logits) - coder.value_of(coder.digits(codes))).square().mean()
            loss, metrics["code_l2"] = loss + self.weights.code_l2 * distance, distance.item()
        elif self.pictures:
            seen, more = self.pictures(clip, model.pixels(logits))
            loss, metrics = loss + seen, metrics | more
        return loss, metrics

    def update_discriminator(self, step: int) -> dict[str, float]:
        """There is none."""
        return {}

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        pass


class TokenizerTask(StoreTask):
    """One stage of the curriculum, as its params say: which clips, which target, which parts learn."""

    model: VideoTokenizer

    def __init__(
        self,
        name: str,
        model: VideoTokenizer,
        stage: CurriculumStage,
        criterion: PixelCriterion | CodeCriterion,
        train: ClipStore,
        val: ClipStore,
        codes: dict[str, Tensor],
    ) -> None:
        super().__init__(name, model, train, val, stage.seed)
        self.stage, self.criterion, self.codes = stage, criterion, codes
        self.encoder_learns = bool({"features", "spatial", "temporal"} & set(stage.trains))
        model.requires_grad_(False)
        for part in self.learning:
            part.requires_grad_(True)

    @property
    def learning(self) -> list[nn.Module | nn.Parameter]:
        """What of the model learns."""
        parts = self.model.parts()
        return [part for name in self.stage.trains for part in parts[name]]

    def trainable(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def to(self, device: torch.device) -> None:
        super().to(device)
        self.criterion.to(device)

    def read(self, indices: Tensor, split: str = "train") -> Batch:
        batch = super().read(indices, split)
        if self.stage.clips == "images":
            batch["clip"] = batch["clip"][:, :, :1].contiguous()
        return batch | {"codes": self.codes[split][indices]}

    def _run(self, model: VideoTokenizer, clip: Tensor) -> tuple[Any, Tensor]:
        if self.encoder_learns or not torch.is_grad_enabled():
            return model(clip)
        with torch.no_grad():
            coded = model.code(clip)
        temporal = coded.temporal.z_q if coded.temporal else None
        return coded, model.logits(coded.spatial.z_q, temporal, model.latent_frames(clip.shape[2]))

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float]]:
        self.model.eval()  # what is frozen stays in eval mode: no codebook statistics are updated there
        for part in self.learning:
            if isinstance(part, nn.Module):
                part.train()
        clip = batch["clip"]
        coded, logits = self._run(self.model, clip)
        metrics = {f"usage_{group}": usage for group, usage in coded.usage.items()}
        if isinstance(self.criterion, CodeCriterion):
            loss, losses = self.criterion(self.model, clip, logits, batch["codes"][:, : logits.shape[1]], step)
        else:
            loss, losses = self.criterion(clip, self.model.pixels(logits), step)
        return loss + coded.loss if self.encoder_learns else loss, metrics | losses

    def after_step(self, step: int) -> dict[str, float]:
        return self.criterion.update_discriminator(step)

    def validate(self, model: VideoTokenizer) -> dict[str, float]:
        total, used = Means(), dict[str, set[int]]()
        for batch in self.validation():
            clip = batch["clip"]
            coded, logits = model(clip)
            accuracy = model.proxy_codes.accuracy(logits, batch["codes"][:, : logits.shape[1]].long()).item()
            total.add({"psnr": mean_psnr(clip, model.pixels(logits)), "accuracy": accuracy}, len(clip))
            for group, quantized in (("spatial", coded.spatial), ("temporal", coded.temporal)):
                if quantized is not None:
                    used.setdefault(group, set()).update(quantized.indices.unique().tolist())
        everywhere = gathered_objects(used)
        return total.means() | {
            f"usage_{group}": len(set().union(*(each.get(group, ()) for each in everywhere))) / quantizer.size
            for group, quantizer in model.quantizers.items()
            if any(group in each for each in everywhere)
        }

    def state(self) -> dict[str, Any]:
        return self.criterion.state()

    def load_state(self, state: dict[str, Any]) -> None:
        self.criterion.load_state(state)


class Means:
    """Sample-weighted means of named metrics over batches, of all processes."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.n = 0

    def add(self, metrics: dict[str, float], n: int) -> None:
        self.n += n
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * n

    def means(self) -> dict[str, float]:
        everywhere = [each for each in gathered_objects((self.sums, self.n)) if each[1]]
        n = sum(count for _, count in everywhere)
        return {name: sum(sums[name] for sums, _ in everywhere) / n for name in everywhere[0][0]}


def posed(clip: Tensor, pose: Tensor) -> Tensor:
    """Each clip (B, 3, T, H, W) of square frames in its pose (B,): pose % 4 quarter turns, from pose 4 on backwards."""
    turned = [one.rot90(int(way) % 4, (-2, -1)) for one, way in zip(clip, pose, strict=True)]
    return torch.stack([one.flip(1) if way >= 4 else one for one, way in zip(turned, pose, strict=True)])


def judge_labels(store: ClipStore) -> dict[str, list[str]]:
    """What a judge of these clips learns: every label, and `POSE` where each label has but one value."""
    values = label_values(store)
    if max(map(len, values.values())) > 1:
        return values
    backwards = ("", " backwards") if store.frames > 1 else ("",)
    return values | {POSE: [f"{turns} quarter turns{way}" for way in backwards for turns in range(4)]}


def label_values(store: ClipStore) -> dict[str, list[str]]:
    """The values of every label of a store: `class` in the store's order, so that a class's place is its label, and
    each `factor:*` column, sorted."""
    factors = [name for name in store.labels.columns if name.startswith("factor:")]
    return {"class": store.classes} | {name: sorted(store.labels[name].unique()) for name in factors}


def label_tensors(store: ClipStore, values: dict[str, list[str]]) -> dict[str, Tensor]:
    """Each label of each clip as its place among `values`: (clips,) int64. Raises InputError for a value not there."""
    tensors = {}
    for name, known in values.items():
        places = store.labels[name].map({value: place for place, value in enumerate(known)})
        if places.isna().any():
            strange = store.labels[name][places.isna()].iloc[0]
            raise InputError(f"{store.split} has {name} {strange!r}, which train lacks; use more training clips")
        tensors[name] = torch.tensor(places.to_numpy(), dtype=torch.long)
    return tensors
