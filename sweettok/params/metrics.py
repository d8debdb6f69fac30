"""Section on the published networks that the evaluations measure with, beside this project's own judge."""

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from sweettok.params.section import Section

ExtractorName = Literal["i3d", "i3d-videogpt", "inception", "squeezenet1_0"]
PerceptualName = Literal["alex", "vgg", "squeeze", "squeezenet1_0"]
# The presets are in metrics.presets; each is for one extractor and applies only where that is listed.
ProtocolName = Literal[
    "own", "omnitokenizer", "sweettok-code", "sweettok-code-generation", "larp", "stylegan-v", "tokenbench", "vidtok"
]  # fmt: skip


class WeightsSource(Section):
    """Where the weights of a published network come from: a file, else (if allowed) a download."""

    path: str | None = Field(description="the file; null: download it")
    sha256: str | None = Field(pattern="^[0-9a-f]{64}$", description="of the file; null: that of the published file")
    download: bool = Field(description="whether a file that is not here may be downloaded over https")


class Protocol(Section):
    """How clips are read and measured; metrics.presets has the published protocols."""

    name: str
    extractor: str = Field(description="a name of metrics.extractors")
    split: Literal["train", "val", "test"] = Field(description="split of the real clips")
    clips: PositiveInt | None = Field(description="how many real clips; null: all of the split")
    choice: Literal["first", "random"] = Field(description="which clips, where the split has more")
    frames: PositiveInt
    fps: PositiveInt | None = Field(
        default=None, description="files of more frames a second are thinned to so many; null: every frame"
    )
    thinning: Literal["step", "spread"] = Field(
        default="step", description="every rate / fps-th frame, rounded, or duration x fps frames evenly over the file"
    )
    start: Literal["first", "centre", "random", "every"] = Field(
        description="where in a file or stored clip the frames begin; every: window after window, the last filled up"
    )
    resolution: PositiveInt = Field(description="height and width in pixels, before the extractor's own resizing")
    fit: Literal["crop", "squash"] = Field(description="shorter side + centre crop, or both sides regardless of aspect")
    filter: Literal["bilinear", "bicubic", "lanczos"] = Field(default="bilinear", description="of resizing")
    antialias: bool = Field(description="whether making frames smaller averages over all pixels")
    pixels: Literal["float", "round", "truncate", "unit"] = Field(
        description="how values become bytes before the extractor; unit: not at all, but it is given [0, 1], a known mistake"
    )
    covariance: Literal["biased", "unbiased"] = Field(description="sum of squares divided by n or n - 1")
    psnr: Literal["clip", "frame"] = Field(
        default="clip", description="of the squared error of a clip, or mean over its frames"
    )
    ssim: Literal["gaussian", "uniform"] = Field(
        default="gaussian", description="window: 11x11 with sigma 1.5, or 7x7 with equal weights and sample covariance"
    )
    seed: NonNegativeInt = Field(description="of random choice and start; no effect without either")
    source: str = Field(description="where these values are published, and what is not")


class Metrics(Section):
    """What is measured beside the judge's distances (stages evaluate_reconstruction, evaluate_generation).

    A metric whose weights are not at hand, or that the data cannot serve, is left out with a line in the report.
    """

    extractors: tuple[ExtractorName, ...] = Field(strict=False, description="networks of further Frechet distances")
    perceptual: tuple[PerceptualName, ...] = Field(
        strict=False, description="LPIPS (alex, vgg, squeeze), or LPIPS's form on SqueezeNet 1.0"
    )
    protocols: tuple[ProtocolName, ...] = Field(
        strict=False, description="how the distances are measured; own: the test clips as they are stored"
    )
    weights: dict[str, WeightsSource] = Field(description="of each network named above")
    sizes: tuple[PositiveInt, ...] = Field(
        strict=False, description="numbers of clips at which Frechet distances are shown, to see their bias; []: none"
    )

    @property
    def networks(self) -> tuple[str, ...]:
        """All networks named, each once."""
        return tuple(dict.fromkeys((*self.extractors, *self.perceptual)))

    @model_validator(mode="after")
    def _check_weights(self) -> "Metrics":
        if missing := [name for name in self.networks if name not in self.weights]:
            raise ValueError(
                f"weights has no entry for {', '.join(missing)}; say where they are, e.g. "
                f"{missing[0]}: {{path: null, sha256: null, download: true}}"
            )
        if unknown := [name for name in self.weights if name not in self.networks]:
            raise ValueError(f"weights names {', '.join(unknown)}, which neither extractors nor perceptual lists")
        return self

    @model_validator(mode="after")
    def _check_distances(self) -> "Metrics":
        if self.extractors and not self.protocols:
            raise ValueError("extractors without protocols measure nothing; add `own` to protocols")
        if "own" in self.protocols and {"i3d", "i3d-videogpt"} <= set(self.extractors):
            raise ValueError(
                "i3d and i3d-videogpt would both be `fvd` under the protocol own (they differ in one constant); "
                "list one of them, or leave own out"
            )
        if len(set(self.sizes)) == 1 or 1 in self.sizes:
            raise ValueError("sizes needs at least two different numbers, each at least 2, or none")
        return self
