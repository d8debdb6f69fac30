"""Training the proxy."""

import torch
from torch import Tensor, nn

from sweettok.models.proxy import ProxyTokenizer
from sweettok.training.loading import Batch, ClipDataset
from sweettok.training.losses import PictureLoss, mean_psnr
from sweettok.training.store_task import RunningMeans, StoreTask
from sweettok.video.store import ClipStore, to_float


class ProxyTask(StoreTask):
    """Autoencode clips: L2 + perceptual."""

    model: ProxyTokenizer

    def __init__(self, model: ProxyTokenizer, judge: nn.Module, train: ClipStore, val: ClipStore, seed: int) -> None:
        super().__init__("proxy", model, ClipDataset(train), ClipDataset(val), seed)
        self.pictures = PictureLoss(model.proxy.l2, model.proxy.perceptual, judge)

    def to(self, device: torch.device) -> None:
        super().to(device)
        self.pictures.to(device)

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        self.model.train()
        return self.compute(to_float(batch["pixels"]))

    def compute(self, clip: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return self.pictures(clip, self.model(clip))

    def validate(self, model: ProxyTokenizer) -> dict[str, float]:
        total = RunningMeans()
        for batch in self.validation():
            clip = to_float(batch["pixels"])
            total.add({"psnr": mean_psnr(clip, model(clip))}, len(clip))
        return total.means()
