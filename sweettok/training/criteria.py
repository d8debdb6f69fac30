"""What a stage of the curriculum minimises: losses on the proxy's codes, or on pixels.

Those on pixels are L2, perceptual, hinge GAN and feature matching (docs/paper.md, Curriculum).
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from sweettok.models.discriminator import PatchDiscriminator, feature_matching_loss, hinge_discriminator_loss
from sweettok.models.processes import average_gradients
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import CodeLoss, PixelLoss
from sweettok.training.losses import PictureLoss


class Criterion(ABC):
    """The loss of what a tokenizer predicts, with whatever it trains itself; from step `start` on it has other terms."""

    start: int

    def __init__(self, l2: float, perceptual: float, judge: nn.Module | None) -> None:
        self.pictures = PictureLoss(l2, perceptual, judge)

    def to(self, device: torch.device) -> None:
        """Move the networks that the loss needs."""
        self.pictures.to(device)

    @abstractmethod
    def loss(
        self, model: VideoTokenizer, clip: Tensor, logits: Tensor, codes: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits (B, frames, patches, sum of levels) and codes (B, frames, patches) of `clip` -> (loss, metrics to log)."""

    def phase(self, step: int) -> int:
        """The first step whose loss has the terms of this one's."""
        return self.start if step >= self.start else 0

    def update_discriminator(self, step: int) -> dict[str, Tensor]:
        """One step of the adversary, after the model's own; metrics to log. Nothing where there is none."""
        return {}

    def state(self) -> dict[str, Any]:
        """What `load_state` needs to go on from here."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:  # noqa: B027  (most criteria have no state)
        """The inverse of `state`."""


class CodeCriterion(Criterion):
    """Losses of a training on proxy codes: cross-entropy of the digits, and distance of the codes, later of their pictures."""

    def __init__(self, weights: CodeLoss, judge: nn.Module | None, steps: int) -> None:
        super().__init__(weights.l2, weights.perceptual, judge)
        self.weights, self.start = weights, round(weights.picture_start * steps)

    def loss(
        self, model: VideoTokenizer, clip: Tensor, logits: Tensor, codes: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        codes, coder = codes.long(), model.proxy_codes
        loss = self.weights.cross_entropy * coder.cross_entropy(logits, codes)
        metrics = {"accuracy": coder.accuracy(logits, codes)}
        if step < self.start:
            distance = (coder.expected(logits) - coder.value_of(coder.known_digits(codes))).square().mean()
            loss, metrics["code_l2"] = loss + self.weights.code_l2 * distance, distance.detach()
        elif self.pictures:
            seen, more = self.pictures(clip, model.picture(logits))
            loss, metrics = loss + seen, metrics | more
        return loss, metrics


class PixelCriterion(Criterion):
    """Weighted pixel losses of a reconstruction; owns the discriminator and trains it.

    The adversary is silent before `adversarial_start` of the steps, so that it meets reconstructions worth judging.
    """

    def __init__(self, weights: PixelLoss, judge: nn.Module | None, steps: int) -> None:
        super().__init__(weights.l2, weights.perceptual, judge)
        self.weights = weights
        self.start = round(weights.adversarial_start * steps)
        self.discriminator = PatchDiscriminator(weights.discriminator_width) if weights.adversarial else None
        if self.discriminator:
            self.discriminator.requires_grad_(False)  # but in its own step
            self.adam = torch.optim.Adam(self.discriminator.parameters(), weights.discriminator_lr, betas=(0.5, 0.9))
        self._pairs: list[tuple[Tensor, Tensor]] = []  # of this step, one for each part of its batch

    def to(self, device: torch.device) -> None:
        super().to(device)
        if self.discriminator:
            self.discriminator.to(device)

    def active(self, step: int) -> bool:
        """Whether the adversary takes part in this step."""
        return self.discriminator is not None and step >= self.start

    def loss(
        self, model: VideoTokenizer, clip: Tensor, logits: Tensor, codes: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return self.compare(clip, model.pixels(logits, clip), step)

    def compare(self, clip: Tensor, reconstruction: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Clips (B, 3, T, H, W) in [-1, 1] and what became of them -> (loss, metrics to log)."""
        w = self.weights
        loss, metrics = self.pictures(clip, reconstruction)
        if self.discriminator is not None and self.active(step):
            # Whatever the networks' precision, losses are summed up in fp32.
            fake, real = ([x.float() for x in self.discriminator(shown)] for shown in (reconstruction, clip))
            loss = loss - w.adversarial * fake[-1].mean() + w.feature_matching * feature_matching_loss(real, fake)
            self._pairs.append((clip, reconstruction.detach()))
        return loss, metrics

    def update_discriminator(self, step: int) -> dict[str, Tensor]:
        """One step of the discriminator on what it was shown in this step, in all processes."""
        if self.discriminator is None or not self.active(step):
            return {}
        pairs, self._pairs = self._pairs, []
        self.discriminator.requires_grad_(True)
        self.adam.zero_grad(set_to_none=True)
        losses = []
        for real, fake in pairs:
            loss = hinge_discriminator_loss(self.discriminator(real)[-1], self.discriminator(fake)[-1])
            (loss / len(pairs)).backward()
            losses.append(loss.detach().double())
        average_gradients(self.discriminator.parameters())
        self.adam.step()
        self.discriminator.requires_grad_(False)
        return {"discriminator": sum(losses) / len(losses)}

    def state(self) -> dict[str, Any]:
        if not self.discriminator:
            return {}
        return {"discriminator": self.discriminator.state_dict(), "adam": self.adam.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        if self.discriminator:
            self.discriminator.load_state_dict(state["discriminator"])
            self.adam.load_state_dict(state["adam"])
