"""The judge: a small video classifier whose features stand in for LPIPS, I3D and Inception where no such weights are
configured. Distances on its features are named after it and are not comparable with FVD, FID or LPIPS."""

from einops import rearrange
from torch import Tensor, nn


class Judge(nn.Module):
    """Frames -> 2-D convolutions -> image features; their second layer -> 3-D convolutions -> video features.

    3-D, so that motion is seen where it happens, whatever else the frame holds.

    `labels` maps the name of each label (class and, where known, factors) to its number of values; every label is
    predicted from the image features of each frame and from the video features.
    """

    name = "judge"

    def __init__(self, labels: dict[str, int], width: int) -> None:
        super().__init__()
        self.labels, self.width, self.fingerprint = labels, width, ""
        channels = [3, width, 2 * width, 4 * width]
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(4, b), nn.SiLU())
            for a, b in zip(channels, channels[1:], strict=False)
        )
        strides = [(2, 1, 1), (2, 2, 2), (2, 2, 2)]
        channels = [2 * width, 4 * width, 4 * width, 4 * width]
        self.motion = nn.Sequential(
            *(
                nn.Sequential(nn.Conv3d(a, b, 3, stride=stride, padding=1), nn.GroupNorm(4, b), nn.SiLU())
                for a, b, stride in zip(channels, channels[1:], strides, strict=False)
            )
        )
        self.image_heads = nn.ModuleDict({_key(name): nn.Linear(4 * width, size) for name, size in labels.items()})
        self.video_heads = nn.ModuleDict({_key(name): nn.Linear(4 * width, size) for name, size in labels.items()})

    def maps(self, clip: Tensor) -> list[Tensor]:
        """clip (B, 3, T, H, W) -> feature maps (B, C, T, h, w), finest first."""
        batch = clip.shape[0]
        frames = rearrange(clip, "b c t h w -> (b t) c h w")
        maps = []
        for stage in self.stages:
            frames = stage(frames)
            maps.append(rearrange(frames, "(b t) c h w -> b c t h w", b=batch))
        return maps

    def image_features(self, images: Tensor) -> Tensor:
        """images (B, 3, 1, H, W) -> (B, 4 width)."""
        return self.maps(images)[-1].mean(dim=(2, 3, 4))

    def video_features(self, clip: Tensor) -> Tensor:
        """clip -> (B, 4 width)."""
        return self._video_features(self.maps(clip))

    def _video_features(self, maps: list[Tensor]) -> Tensor:
        return self.motion(maps[1]).mean(dim=(2, 3, 4))

    def predict(self, clip: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
        """Label name -> logits from one frame's features, averaged over frames, and from video features: (B, values)."""
        maps = self.maps(clip)
        image = maps[-1].mean(dim=(2, 3, 4))
        video = self._video_features(maps)
        return {
            name: (self.image_heads[_key(name)](image), self.video_heads[_key(name)](video)) for name in self.labels
        }

    def classify(self, features: Tensor) -> Tensor:
        """video features (B, 4 width) -> class logits (B, classes)."""
        return self.video_heads[_key("class")](features)


def _key(label: str) -> str:
    return label.replace(":", "_").replace(".", "_")
