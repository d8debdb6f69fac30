"""SweetTok assembled: clip -> words -> clip (docs/paper.md, Method). Baselines swap backbone or quantisers."""

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sweettok.errors import InputError
from sweettok.language.codebook import Codebook
from sweettok.models.diffusion_decoder import DiffusionDecoder
from sweettok.models.dqae import ARCHITECTURES
from sweettok.models.patches import check_clip
from sweettok.models.proxy import FiniteScalarQuantizer, PatchEncoder, PixelDecoder, ProxyTokenizer
from sweettok.models.quantized import Quantized
from sweettok.models.quantizers import build_quantizers
from sweettok.models.tail_drop import TailDrop, ranks
from sweettok.models.token_prior import TokenPrior
from sweettok.params import Part, Patches, Proxy, Tokenizer
from sweettok.storage import atomic_directory, read_json, read_sealed, sha256_of, write_sealed

FORMAT = 2
ORDERED = ("holistic", "hierarchical")  # whose tokens come from coarse to fine already, or stand for no place


@dataclass(frozen=True)
class EncodedClip:
    """A clip between encoder and decoder: one Quantized a token group (an image has no temporal one)."""

    spatial: Quantized
    temporal: Quantized | None
    prior_loss: Tensor | float = 0.0  # of the prior that trains along, weighted

    @property
    def tokens(self) -> Tensor:
        """(B, tokens) or (B, tokens, 3), spatial first."""
        return (
            self.spatial.indices
            if self.temporal is None
            else torch.cat([self.spatial.indices, self.temporal.indices], dim=1)
        )

    @property
    def loss(self) -> Tensor:
        """Sum of the VQ losses, and what the prior that trains along adds."""
        return self.spatial.loss + (self.temporal.loss if self.temporal else 0) + self.prior_loss

    @property
    def usage(self) -> dict[str, Tensor]:
        """Share of the words that this batch uses, by group."""
        groups = {"spatial": self.spatial, "temporal": self.temporal}
        return {name: group.usage for name, group in groups.items() if group}


class VideoTokenizer(nn.Module):
    """patch features + backbone (architecture) + quantisers + logits over code digits + pixel decoder, for clips of
    (frames, size).

    The decoder predicts, for each patch, the digits of the proxy's code (trainings 1 and 2); pixels are the proxy
    decoder's picture of the expected code (training 3), as in the authors' code.
    """

    def __init__(
        self, tokenizer: Tokenizer, patches: Patches, proxy: Proxy, clip: tuple[int, int], codebook: Codebook
    ) -> None:
        super().__init__()
        self.config, self.patches, self.proxy, self.codebook = tokenizer, patches, proxy, codebook
        self.built_for, (self.frames, self.size) = clip, clip
        frames, side = self.latent_frames(self.frames), self.size // patches.spatial
        self.features = PatchEncoder(proxy, patches)
        self.backbone = ARCHITECTURES[tokenizer.architecture](tokenizer, proxy.width, frames, side)
        self.quantizers = build_quantizers(tokenizer, codebook)
        if self.frames == 1:  # an image has spatial tokens alone
            del self.quantizers["temporal"]
        if tokenizer.tail_drop:
            for name, quantizer in list(self.quantizers.items()):
                order = ranks(self.groups[name], self.token_frames[name], placed=tokenizer.architecture not in ORDERED)
                self.quantizers[name] = TailDrop(quantizer, tokenizer.width, order, tokenizer.tail_drop)
        slots = [quantizer.slots for quantizer in self.quantizers.values()]
        self.token_prior = TokenPrior(tokenizer, slots, sum(self.groups.values())) if tokenizer.prior_loss else None
        self.to_logits = nn.Linear(tokenizer.width, sum(proxy.levels))
        self.proxy_codes = FiniteScalarQuantizer(proxy.levels)
        self.pixel_decoder = PixelDecoder(proxy, patches)
        steps = tokenizer.diffusion_steps
        self.diffusion_decoder = DiffusionDecoder(proxy, patches, steps) if steps else None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.to_logits.weight.device

    @property
    def groups(self) -> dict[str, int]:
        """Tokens of a clip, by group; of images only the spatial one."""
        temporal = self.config.temporal_tokens
        if self.backbone.grows:
            temporal = temporal // len(self.backbone.times) * (self.latent_frames(self.frames) - 1)
        sizes = {"spatial": self.config.spatial_tokens, "temporal": temporal}
        return {name: sizes[name] for name in self.quantizers}

    @property
    def token_frames(self) -> dict[str, int]:
        """Latent frames that a group's tokens belong to, an equal number of tokens each, in order of time."""
        later = self.latent_frames(self.frames) - 1 if self.backbone.grows else len(self.backbone.times)
        return {name: 1 if name == "spatial" else later for name in self.groups}

    def latent_frames(self, frames: int) -> int:
        """1 + k for a clip of 1 + k p_t frames."""
        return 1 + (frames - 1) // self.patches.temporal

    def at_length(self, frames: int) -> "VideoTokenizer":
        """The same weights for clips of another length, 1 + k p_t frames: coded in one go, by as many tokens (patchwise
        architectures: by as many for each latent frame).

        Of longer clips each token has more to tell, at times that training has not shown (`latent_times`), so quality
        falls with length; `long_video` spends tokens as the video goes on instead. Saved, it is the model it came from.
        Raises ValueError for an impossible length, and where the number of tokens depends on it (down-sampling).
        """
        if frames < 1 or (frames - 1) % self.patches.temporal:
            raise ValueError(f"expected frames = 1 + k * {self.patches.temporal}, got {frames}")
        built_for = self.latent_frames(self.built_for[0])
        if self.latent_frames(frames) > built_for < 3 and not self.backbone.grows:
            raise ValueError(f"a model of {self.built_for[0]} frames has learned no times to place {frames} frames at")
        if self.config.architecture == "downsample" and frames not in (1, self.built_for[0]):
            raise ValueError("down-sampling has tokens for each latent frame, so a model has one length")
        other = copy.copy(self)
        other.frames = frames
        return other

    def start_from(self, proxy: ProxyTokenizer) -> None:
        """Take over the proxy's patch features and pixel decoder (start of the curriculum)."""
        self.features.load_state_dict(proxy.encoder.state_dict())
        self.pixel_decoder.load_state_dict(proxy.decoder.state_dict())

    def parts(self) -> dict[Part, list[nn.Module | nn.Parameter]]:
        """The modules that each `trains:` name of the curriculum stands for."""
        parts = self.backbone.parts()
        temporal = [self.quantizers["temporal"]] if "temporal" in self.quantizers else []
        prior = [self.token_prior] if self.token_prior is not None else []
        diffusion = [self.diffusion_decoder] if self.diffusion_decoder is not None else []
        return {
            "features": [self.features],
            "spatial": [*parts["spatial"], self.quantizers["spatial"], *prior],
            "temporal": [*parts["temporal"], *temporal],
            "decoder": [*parts["decoder"], self.to_logits],
            "pixel_decoder": [self.pixel_decoder, *diffusion],
        }

    def code(self, clip: Tensor) -> EncodedClip:
        """clip (B, 3, T, H, W) -> quantised latents."""
        z_spatial, z_temporal = self.backbone.encode(self.features(clip))
        temporal = None if z_temporal is None else self.quantizers["temporal"](z_temporal)
        spatial = self.quantizers["spatial"](z_spatial)
        if self.token_prior is None or not self.token_prior.training:
            return EncodedClip(spatial, temporal)
        nats = self.token_prior([spatial] if temporal is None else [spatial, temporal])
        return EncodedClip(spatial, temporal, self.config.prior_loss * nats)

    def logits(self, zq_spatial: Tensor, zq_temporal: Tensor | None, frames: int) -> Tensor:
        """Quantised latents -> logits over the levels of all digits (B, frames, patches, sum of levels)."""
        features = self.backbone.decode(zq_spatial, zq_temporal, frames)  # (B, D, frames, h, w)
        return self.to_logits(features.flatten(3).permute(0, 2, 3, 1))

    def picture(self, logits: Tensor) -> Tensor:
        """Logits -> the pixel decoder's clip, not clamped, so that gradients pass."""
        return self.pixel_decoder(self.proxy_codes.expected(logits))

    def pixels(self, logits: Tensor, clip: Tensor | None = None) -> Tensor:
        """Logits -> clip as decoded, not clamped. A diffusion decoder in training finds `clip` again under noise."""
        picture = self.picture(logits)
        if self.diffusion_decoder is None:
            return picture
        return self.diffusion_decoder(picture) if clip is None else self.diffusion_decoder.denoise(clip, picture)

    def forward(self, clip: Tensor) -> tuple[EncodedClip, Tensor]:
        """clip -> (quantised latents with tokens, usage and VQ loss; logits over code digits)."""
        coded = self.code(clip)
        temporal = coded.temporal.z_q if coded.temporal else None
        return coded, self.logits(coded.spatial.z_q, temporal, self.latent_frames(clip.shape[2]))

    @torch.no_grad()
    def encode(self, clip: Tensor) -> Tensor:
        """clip in [-1, 1], (B, 3, T, H, W) -> tokens int64, spatial first: (B, L_s + L_t) or with a trailing axis of 3.

        Raises ValueError for a wrong shape, type or range.
        """
        check_clip(clip, self.patches)
        if clip.shape[2] not in (1, self.frames) or clip.shape[3:] != (self.size, self.size):
            raise ValueError(
                f"expected an image or {self.frames} frames of {self.size}x{self.size}, got {tuple(clip.shape[2:])}"
            )
        return self.code(clip).tokens

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens -> clip of the model's length, or image where there are only spatial tokens; clamped to [-1, 1].

        Raises ValueError for a wrong number of tokens or an index outside the vocabulary.
        """
        count = self.config.spatial_tokens
        allowed = sorted({count, sum(self.groups.values())})
        if tokens.shape[1] not in allowed:
            raise ValueError(f"expected {' or '.join(map(str, allowed))} tokens, got {tokens.shape[1]}")
        spatial = self.quantizers["spatial"].lookup(tokens[:, :count])
        temporal, frames = None, 1
        if tokens.shape[1] > count:
            temporal = self.quantizers["temporal"].lookup(tokens[:, count:])
            frames = self.latent_frames(self.frames)
        return self.pixels(self.logits(spatial, temporal, frames)).clamp(-1, 1)

    @torch.no_grad()
    def reconstruct(self, clip: Tensor) -> Tensor:
        """decode(encode(clip))."""
        return self.decode(self.encode(clip))

    def words(self, tokens: Tensor) -> list[list[str]]:
        """The words of each clip's tokens, one list a clip (composed tokens: three words each). Language codebooks only."""
        count = self.config.spatial_tokens
        named = []
        for clip in tokens.tolist():
            groups = [("spatial", clip[:count]), ("temporal", clip[count:])]
            named.append([self._word(group, token) for group, tokens_of in groups for token in tokens_of])
        return named

    def _word(self, group: str, token: int | list[int]) -> str:
        words = self.quantizers[group].words
        if words is None:
            raise ValueError("this tokenizer has a learned codebook: its tokens are no words")
        return words[token] if isinstance(token, int) else " ".join(words[index] for index in token)

    def save(self, folder: str | Path) -> None:
        """Write the model to `folder`, all or nothing."""
        with atomic_directory(folder) as partial:
            self.write(partial)

    def write(self, folder: Path) -> None:
        """Write model.safetensors, config.json and the codebook into an existing folder."""
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, folder / "model.safetensors")
        self.codebook.save(folder / "codebook")
        sections = {"tokenizer": self.config, "patches": self.patches, "proxy": self.proxy}
        config = {"format": FORMAT, "clip": list(self.built_for), "sha256": sha256_of(folder / "model.safetensors")}
        write_sealed(
            folder / "config.json", config | {name: part.model_dump(mode="json") for name, part in sections.items()}
        )

    @classmethod
    def load(cls, folder: str | Path) -> "VideoTokenizer":
        """Read what `save` wrote, in eval mode. Raises InputError for an absent, damaged or foreign folder."""
        folder = Path(folder)
        config = read_json(folder / "config.json")
        if not isinstance(config, dict) or config.get("format") != FORMAT or "sha256" not in config:
            raise InputError(
                f"{folder}/config.json is of another model format, this code reads {FORMAT}; train it again"
            )
        config = read_sealed(folder / "config.json")
        weights = load_checked(folder / "model.safetensors", config["sha256"])
        model = cls(
            Tokenizer.model_validate(config["tokenizer"]),
            Patches.model_validate(config["patches"]),
            Proxy.model_validate(config["proxy"]),
            tuple(config["clip"]),
            Codebook.load(folder / "codebook"),
        )
        model.load_state_dict(weights)
        return model.eval()


def load_checked(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of a safetensors file whose checksum must match. Raises InputError naming the file."""
    if not path.exists():
        raise InputError(f"{path} does not exist; run `dvc repro` for the stage that makes it")
    if sha256_of(path) != sha256:
        raise InputError(
            f"{path} is damaged (checksum differs from config.json); delete its folder and run `dvc repro`"
        )
    return load_file(path)
