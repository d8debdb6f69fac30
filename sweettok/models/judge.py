"""The judge: a small video classifier whose features stand in for LPIPS, I3D and Inception where no such weights are
configured. Distances on its features are named after it and are not comparable with FVD, FID or LPIPS."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Size = tuple[int, int, int]


def conv_block(channels: int, out: int, kernel: Size, stride: Size) -> nn.Sequential:
    """Convolution over (time, height, width), batch norm, ReLU. Padded, so that stride 1 keeps the size."""
    padding = tuple(side // 2 for side in kernel)
    return nn.Sequential(nn.Conv3d(channels, out, kernel, stride, padding, bias=False), nn.BatchNorm3d(out), nn.ReLU())


class Judge(nn.Module):
    """A stem that sees frames one by one, then 2-D convolutions for image features and 3-D ones for video features.

    3-D, so that motion is seen where it happens, whatever else the frame holds. Features are the mean and the maximum
    over all positions: a small object counts as much as a wide background.

    `labels` maps the name of each label (class and, where known, factors) to its number of values; every label is
    predicted from image features and from video features. `values` names them, in order, once the judge is trained.
    """

    name = "judge"

    def __init__(self, labels: dict[str, int], width: int) -> None:
        super().__init__()
        self.labels, self.width, self.fingerprint = labels, width, ""
        self.values: dict[str, list[str]] = {}
        self.stem = conv_block(3, width, (1, 5, 5), (1, 2, 2))
        self.image = nn.Sequential(
            conv_block(width, 2 * width, (1, 3, 3), (1, 2, 2)), conv_block(2 * width, 4 * width, (1, 3, 3), (1, 2, 2))
        )
        self.video = nn.Sequential(
            conv_block(width, 2 * width, (3, 3, 3), (2, 2, 2)),
            conv_block(2 * width, 3 * width, (3, 3, 3), (1, 1, 1)),
            conv_block(3 * width, 4 * width, (3, 3, 3), (2, 2, 2)),
        )
        self.image_heads = nn.ModuleDict({_key(name): nn.Linear(8 * width, size) for name, size in labels.items()})
        self.video_heads = nn.ModuleDict({_key(name): nn.Linear(8 * width, size) for name, size in labels.items()})

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def maps(self, clip: Tensor) -> list[Tensor]:
        """clip (B, 3, T, H, W) -> feature maps (B, C, T', H', W'), finest first: of the stem and of the first video layer."""
        stem = self.stem(clip)
        return [stem, self.video[0](stem)]

    def image_features(self, images: Tensor) -> Tensor:
        """images (B, 3, 1, H, W) -> (B, 8 width)."""
        return _pooled(self.image(self.stem(images)))

    def video_features(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) -> (B, 8 width)."""
        return _pooled(self.video(self.stem(clip)))

    def predict(self, clip: Tensor, frame: int | Tensor = 0) -> dict[str, tuple[Tensor, Tensor]]:
        """Label name -> its logits from the image features of one frame, and from the clip's video features: (B, values).

        frame: its number, or a tensor (1,) of it on the clip's device.
        """
        stem = self.stem(clip)  # (B, width, T, H / 2, W / 2)
        shown = stem[:, :, frame : frame + 1] if isinstance(frame, int) else stem.index_select(2, frame)
        image, video = _pooled(self.image(shown)), _pooled(self.video(stem))
        return {
            name: (self.image_heads[_key(name)](image), self.video_heads[_key(name)](video)) for name in self.labels
        }

    @torch.no_grad()
    def classify(self, features: NDArray[np.float32], label: str = "class") -> NDArray[np.int64]:
        """video features (n, 8 width) -> which of a label's values each clip has, by its place: (n,)."""
        logits = self.video_heads[_key(label)](torch.from_numpy(features).to(self.device))
        return logits.argmax(-1).cpu().numpy()


def _pooled(maps: Tensor) -> Tensor:
    """(B, C, T, H, W) -> (B, 2 C): mean and maximum over all positions."""
    return torch.cat([maps.mean(dim=(2, 3, 4)), maps.amax(dim=(2, 3, 4))], dim=1)


def _key(label: str) -> str:
    return label.replace(":", "_").replace(".", "_")
