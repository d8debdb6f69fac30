"""`SweetTok`: a trained tokenizer to load, use and share (huggingface_hub's ModelHubMixin around VideoTokenizer)."""

import hashlib
import logging
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub import ModelCard, ModelHubMixin, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from sweettok.api.card import Metrics, model_card
from sweettok.api.folder import FILES, check_replaceable, checked_model, write_checksums
from sweettok.api.frames import open_frames, resized, to_square, windows_of
from sweettok.api.token_file import Fit, VideoTokens
from sweettok.errors import InputError, naming_absent_device, on_one_line
from sweettok.generation.layout import TokenLayout, layout_of
from sweettok.metrics.fidelity import warn_of_other_range
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.storage import atomic_directory, read_json
from sweettok.video.store import to_float, to_uint8

log = logging.getLogger(__name__)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
WINDOWS_AT_ONCE = 16


class SweetTok(ModelHubMixin, library_name="sweettok", license="mit", tags=["video-tokenizer", "image-tokenizer"]):
    """A trained tokenizer: images and clips -> words -> images and clips.

    from sweettok import SweetTok
    tok = SweetTok.from_pretrained("outputs/model")
    tokens = tok.encode(clip)              # clip (B, 3, T, H, W) in [-1, 1], or uint8 frames (T, h, w, 3) of any size
    clip = tok.decode(tokens)              # (B, 3, T, H, W) in [-1, 1]
    tok.encode_video("clip.mp4").save("clip.swt")

    model    the network, in eval mode
    device   where it computes; inputs of any device are moved there, results stay there
    dtype    of its arithmetic: below float32 by autocast, with the layers' weights kept in that type too, which halves
             their memory; the nearest word is always found in float32. Tokens may differ between dtypes, so that a
             file is best decoded as it was encoded. Float32 in place of bfloat16 on a CPU that has no instructions for it
    """

    def __init__(
        self,
        model: VideoTokenizer,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        model_id: str | None = None,
    ) -> None:
        if dtype not in DTYPES.values():
            raise InputError(f"dtype {dtype} is unknown; choose one of {', '.join(DTYPES)}")
        if dtype == torch.bfloat16 and str(device).startswith("cpu") and not has_bfloat16():
            log.warning("computing in float32: this CPU has no instructions for bfloat16, in which it would be slower")
            dtype = torch.float32
        self.model, self.dtype = model.eval().requires_grad_(False), dtype
        if model_id is not None:
            self.model_id = model_id
        if dtype != torch.float32:
            self.model_id = self.model_id  # computed now, of the weights before they are rounded
            _round_layers(self.model, dtype)
        self.to(device)

    def to(self, device: str | torch.device) -> "SweetTok":
        """Move to a device. Raises InputError for one that is not here."""
        with naming_absent_device(device):
            self.device = torch.device(device)
            self.model.to(self.device)
        return self

    @cached_property
    def model_id(self) -> str:
        """Hex sha256 of the weights as safetensors: that of model.safetensors, from which the model was read."""
        weights = {name: value.contiguous().cpu() for name, value in self.model.state_dict().items()}
        return hashlib.sha256(save(weights)).hexdigest()

    @property
    def frames(self) -> int:
        """Frames of a clip (1: a model of images)."""
        return self.model.frames

    @property
    def size(self) -> int:
        """Height and width of a clip in pixels."""
        return self.model.size

    def encode(self, clip: Any) -> Tensor:
        """Images or clips -> tokens int64 on `device`, spatial first: (B, tokens); with composed words (B, tokens, 3).

        clip: float (B, 3, T, H, W) or one clip (3, T, H, W), in [-1, 1], of the model's size; or uint8 frames
        (B, T, h, w, 3), (T, h, w, 3) or one image (h, w, 3) of any size, resized by the shorter side and cropped at the
        centre; torch, numpy or what numpy can read, such as a PIL image. T is the model's number of frames, or 1.
        Raises ValueError for another shape, type or range, InputError for what holds no numbers; warns of floats that
        look like [0, 1].
        """
        clips = self._clips(clip)
        if clips.shape[2] not in (1, self.frames):
            raise ValueError(
                f"expected 1 or {self.frames} frames, got {clips.shape[2]}; encode_video takes files of any length"
            )
        with self._arithmetic():
            return self.model.encode(clips.to(self.device, torch.float32))

    def decode(self, tokens: Any) -> Tensor:
        """Tokens as `encode` gives them -> float32 (B, 3, T, H, W) in [-1, 1]; of spatial tokens alone T is 1.

        Raises ValueError for a wrong number of tokens or an index outside its vocabulary, InputError for what holds no
        integers.
        """
        tokens = torch.as_tensor(_array(tokens), device=self.device)
        if tokens.dtype == torch.bool or tokens.is_floating_point() or tokens.ndim not in (2, 3):
            raise InputError(f"expected int64 tokens (B, tokens), got {tokens.dtype} {tuple(tokens.shape)}")
        with self._arithmetic():
            return self.model.decode(tokens.long()).float()

    def reconstruct(self, clip: Any) -> Tensor:
        """decode(encode(clip))."""
        return self.decode(self.encode(clip))

    def words(self, clip: Any) -> list[dict[str, list[str]]]:
        """The words of each clip, by token group: [{"spatial": [...], "temporal": [...]}, ...].

        clip: as `encode` takes it, or tokens: integers of any type but uint8, which are pixels.
        Raises ValueError for a model with a learned codebook, and as `encode` and `decode`.
        """
        count, tokens = self.model.config.spatial_tokens, _array(clip)
        if "int" in str(tokens.dtype) and not str(tokens.dtype).endswith("uint8"):
            tokens = torch.as_tensor(tokens).long()
            self.layout(1 if tokens.shape[1:2] == (count,) else self.frames).flatten(tokens)  # checks them
        else:
            tokens = self.encode(clip)
        named = [(words[:count], words[count:]) for words in self.model.words(tokens)]
        return [{"spatial": spatial} | ({"temporal": temporal} if temporal else {}) for spatial, temporal in named]

    def encode_video(self, path: str | Path, fit: Fit = "crop") -> VideoTokens:
        """An image or video file of any length -> tokens of its windows; the last window repeats the last frame.

        fit: how frames become square, "crop" (shorter side, then the centre) or "stretch".
        Raises InputError: absent, empty, damaged, not a format that is read.
        """
        source, square = open_frames(path), to_square(fit, self.size)
        window = self.frames if source.frames > 1 else 1
        step, parts = WINDOWS_AT_ONCE * window, []
        for start in range(0, source.frames, step):
            frames = source.read(start, min(step, source.frames - start), square)
            parts.append(self.encode(windows_of(frames, window)).cpu().numpy())
        indices = np.concatenate(parts)
        layout = self.layout(window)
        return VideoTokens(
            indices.reshape(*indices.shape[:2], -1), layout, self.model_id, window,
            source.frames, source.height, source.width, fit, source.fps,
        )  # fmt: skip

    def decode_video(self, tokens: VideoTokens, original_size: bool = False) -> Iterator[NDArray[np.uint8]]:
        """The frames of `encode_video`'s tokens, uint8 (H, W, 3) each, as many as the original had.

        original_size: in the original's size (of a cropped one, its square) instead of the model's.
        Raises InputError where other weights made the tokens.
        """
        self.check(tokens)
        height, width = tokens.height, tokens.width
        if tokens.fit == "crop":
            height = width = min(height, width)
        left = tokens.frames
        for start in range(0, len(tokens.indices), WINDOWS_AT_ONCE):
            for clip in to_uint8(self.decode(self._tokens(tokens, slice(start, start + WINDOWS_AT_ONCE)))):
                for frame in clip[:left]:
                    yield resized(frame, height, width) if original_size else frame
                left -= min(left, len(clip))

    def video_words(self, tokens: VideoTokens) -> list[dict[str, list[str]]]:
        """The words of each window. Raises InputError as `decode_video`, ValueError as `words`."""
        self.check(tokens)
        return self.words(self._tokens(tokens, slice(None)))

    def check(self, tokens: VideoTokens) -> None:
        """Raise InputError unless this model made the tokens."""
        if tokens.model != self.model_id:
            raise InputError(
                f"the tokens were made by model {tokens.model[:12]}, this is {self.model_id[:12]}; give the model that made them"
            )
        if tokens.window not in (1, self.frames) or tokens.layout != self.layout(tokens.window):
            raise InputError(
                "the weights made these tokens, but config.json declares another layout; give the folder that encoded them"
            )

    def layout(self, window: int) -> TokenLayout:
        """Token groups of a clip of so many frames: of an image the spatial ones alone."""
        layout = layout_of(self.model)
        return TokenLayout(layout.groups[:1]) if window == 1 else layout

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        **hub: Any,
    ) -> "SweetTok":
        """Load a folder (the pipeline's outputs/model, or one of `save_pretrained`) or a model of the hub.

        hub: revision, token, cache_dir, force_download, local_files_only, as in ModelHubMixin.
        Raises InputError: absent, damaged (every file's checksum is compared), of another format, no network.
        """
        name = str(pretrained_model_name_or_path)
        if Path(name).is_dir():
            checked_model(name)  # the mixin reads config.json first, with errors of its own
        elif (
            Path(name).exists() or Path(name).is_absolute() or name.startswith((".", "~")) or Path(name).parent.is_dir()
        ):
            raise InputError(
                f"{name} does not hold a model; run `dvc repro`, or name the folder of a model or a model of the hub"
            )
        try:
            return super().from_pretrained(name, device=device, dtype=dtype, **hub)
        except InputError:
            raise
        except (
            HfHubHTTPError,
            EntryNotFoundError,
            HFValidationError,
            OfflineModeIsEnabled,
            OSError,
            ValueError,
        ) as error:
            raise InputError(
                f"there is no folder {name}, and the hub did not give it ({on_one_line(error, 200)}); check the name and the network"
            ) from error

    @classmethod
    def _from_pretrained(
        cls, *, model_id: str, device: str = "cpu", dtype: torch.dtype = torch.float32, **hub: Any
    ) -> "SweetTok":
        """The mixin's hook: `model_id` is a folder or a name on the hub."""
        folder = model_id if Path(model_id).is_dir() else snapshot_download(model_id, allow_patterns=list(FILES), **hub)
        return cls(checked_model(folder), device, dtype, read_json(Path(folder) / "config.json")["sha256"])

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        metrics: Metrics = None,
        model_card_kwargs: dict[str, Any] | None = None,
        **hub: Any,
    ) -> str | None:
        """Write model.safetensors, config.json, codebook/, SHA256SUMS and a model card, all or nothing.

        metrics: the run's numbers by name, or its reports/metrics.json, for the card. Other arguments as in ModelHubMixin.
        Raises InputError where the folder holds anything but such a model, or where the weights are rounded.
        """
        if self.dtype != torch.float32:
            raise InputError(f"a model loaded as {self.dtype} has rounded weights; load it as float32 to save it")
        folder = Path(save_directory)
        check_replaceable(folder)
        card = (model_card_kwargs or {}) | ({"metrics": metrics} if metrics else {})
        config = hub.pop("config", None)
        with atomic_directory(folder) as partial:
            super().save_pretrained(partial, config=config, model_card_kwargs=card)
        if push_to_hub:
            return self.push_to_hub(repo_id or folder.name, model_card_kwargs=card, **hub)
        return None

    def _save_pretrained(self, save_directory: Path) -> None:
        self.model.write(save_directory)
        write_checksums(save_directory)

    def generate_model_card(self, metrics: Metrics = None) -> ModelCard:
        """The card: what the model is, what a clip takes, and the run's numbers."""
        return model_card(self.model, self.model_id, self._hub_mixin_info.model_card_data, metrics)

    def _tokens(self, tokens: VideoTokens, windows: slice) -> Tensor:
        indices = tokens.indices[windows]
        return torch.from_numpy(indices[..., 0] if indices.shape[-1] == 1 else indices)

    def _clips(self, clip: Any) -> Tensor:
        """As float (B, 3, T, H, W); uint8 frames are resized and cropped."""
        values = _array(clip)
        if str(values.dtype).endswith("uint8"):
            frames = np.asarray(values.cpu() if isinstance(values, Tensor) else values)
            if frames.ndim not in (3, 4, 5) or frames.shape[-1] != 3 or 0 in frames.shape:
                raise ValueError(f"expected uint8 frames (B, T, h, w, 3), got {frames.shape}")
            frames = frames.reshape(-1, *((1,) * (5 - frames.ndim) + frames.shape)[1:])
            square = to_square("crop", self.size)
            return to_float(np.stack([[square(frame) for frame in one] for one in frames]))
        clips = torch.as_tensor(values)
        clips = clips[None] if clips.ndim == 4 else clips
        if clips.ndim != 5 or not clips.is_floating_point():
            form = f"{values.dtype} {tuple(values.shape)}"
            raise ValueError(f"expected floats (B, 3, T, H, W) or uint8 frames (B, T, h, w, 3), got {form}")
        if clips.numel():
            warn_of_other_range(clips.aminmax(), clips)
        return clips

    def _arithmetic(self) -> torch.autocast:
        if self.model.training:
            raise ValueError("the model is in training mode, in which coding changes it: call model.eval() first")
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)


def has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16 by itself. Without that torch does it in several steps: slower than float32."""
    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # the last: ARM


def _array(values: Any) -> NDArray | Tensor:
    """As torch can take it. Raises InputError: no numbers, or rows of several lengths."""
    if isinstance(values, Tensor):
        return values
    try:
        array = np.asarray(values)
    except ValueError as error:  # NumPy's for a list of lists of several lengths
        raise InputError("expected an array of numbers, got rows of several lengths") from error
    if array.dtype.kind not in "biuf":  # booleans, integers, floats
        raise InputError(f"expected an array of numbers, got {type(values).__name__} of {array.dtype}")
    return np.asarray(array, array.dtype.newbyteorder("="), order="C")


def _round_layers(model: VideoTokenizer, dtype: torch.dtype) -> None:
    """Keep the weights of linear layers as autocast would round them at each call; quantisers stay in float32."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and not name.startswith("quantizers."):
            module.to(dtype)
