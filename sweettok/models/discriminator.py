"""3-D patch discriminator (docs/paper.md, Curriculum): real or reconstructed, judged patch by patch."""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """clip (B, 3, T, H, W) -> list of feature maps, the last of which is the logits (B, 1, t, h, w)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width]
        self.stages = nn.ModuleList(
            nn.Sequential(spectral_norm(nn.Conv3d(a, b, 3, stride=2, padding=1)), nn.LeakyReLU(0.2))
            for a, b in zip(channels, channels[1:], strict=False)
        )
        self.to_logits = nn.Conv3d(channels[-1], 1, 1)

    def forward(self, clip: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            clip = stage(clip)
            maps.append(clip)
        return [*maps, self.to_logits(clip)]


def hinge_discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of the discriminator's logits on real and on reconstructed clips."""
    return torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()


def feature_matching_loss(real: list[Tensor], fake: list[Tensor]) -> Tensor:
    """Mean absolute difference of the discriminator's maps (all but the logits)."""
    return torch.stack([(a.detach() - b).abs().mean() for a, b in zip(real[:-1], fake[:-1], strict=True)]).mean()
