"""params.yaml as typed, frozen models: the only place that reads params.

One class per section of params.yaml; a section's name is what `params:` in dvc.yaml lists. Unknown keys and wrong
types are refused with the key's path and what is allowed. A stage loads only the sections that dvc.yaml declares for
it (`stage_params`), so a parameter that DVC does not watch cannot be read by accident.
"""

from pathlib import Path
from typing import Any, Literal

import pydantic
import yaml
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from sweettok.errors import InputError

Probability = pydantic.confloat(ge=0, le=1)
Architecture = Literal["decoupled", "coupled", "downsample"]
Lookup = Literal["union", "composed"]


class Section(pydantic.BaseModel):
    """Base of all sections: frozen, no unknown keys, no silent type conversion."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)


class SplitSizes(Section):
    """Number of clips in each split."""

    train: PositiveInt
    val: PositiveInt
    test: PositiveInt


class Data(Section):
    """Which clips, how many, how large (stage prepare_data)."""

    name: Literal["sprites"]
    clips: SplitSizes
    frames: PositiveInt = Field(description="frames a clip, 1 + k * patches.temporal")
    size: PositiveInt = Field(description="height and width in pixels")
    seed: NonNegativeInt
    two_objects: Probability = Field(description="share of clips with a second, partly occluding object")
    classes: PositiveInt = Field(ge=2, le=10, description="number of motion verbs (the class of a clip)")


class Codebook(Section):
    """How words are taken from captions and turned into vectors (stage build_codebook)."""

    captions: str | None = Field(
        description="caption file (.txt: one a line; .tsv: column `caption`); null: the data's own"
    )
    min_count: PositiveInt = Field(description="a word must occur at least this often")
    provider: Literal["minilm", "hashed"]
    provider_path: str | None = Field(description="folder with the provider's weights; null: the installed package")


class Patches(Section):
    """Patch geometry, shared by the proxy and the tokenizers (paper: 8 and 4)."""

    spatial: PositiveInt = Field(description="pixels a side")
    temporal: PositiveInt = Field(description="frames, for all but the first frame")


class Optimiser(Section):
    """One training run: AdamW, linear warm-up, cosine decay, gradient clipping, EMA."""

    steps: NonNegativeInt
    batch_size: PositiveInt
    lr: PositiveFloat
    final_lr: PositiveFloat
    warmup: NonNegativeInt
    betas: tuple[float, float] = Field(strict=False)
    weight_decay: NonNegativeFloat
    grad_clip: PositiveFloat
    ema: Probability = Field(description="decay of the weights' moving average; 0: none")
    precision: Literal["fp32", "bf16"]
    checkpoint_every: PositiveInt
    validate_every: PositiveInt


class Judge(Section):
    """The feature network behind perceptual loss and Frechet distances (stage train_judge)."""

    width: PositiveInt
    seed: NonNegativeInt
    optimiser: Optimiser


class Proxy(Section):
    """Patchwise VQ autoencoder: the proxy codes, and the row SweetTok* (stage train_proxy)."""

    width: PositiveInt
    heads: PositiveInt
    expansion: PositiveInt = Field(description="width of the feed-forward layers, in widths")
    depth: PositiveInt
    codes: PositiveInt = Field(ge=2)
    code_dim: PositiveInt
    perceptual_weight: NonNegativeFloat
    seed: NonNegativeInt
    optimiser: Optimiser


class Tokenizer(Section):
    """Architecture and quantiser of the tokenizer; ablation variants override single keys."""

    architecture: Architecture
    width: PositiveInt
    heads: PositiveInt
    expansion: PositiveInt = Field(description="width of the feed-forward layers, in widths")
    spatial_depth: PositiveInt
    temporal_depth: PositiveInt
    spatial_tokens: PositiveInt = Field(description="L_s (paper: 256)")
    temporal_tokens: PositiveInt = Field(description="L_t (paper: 1024 = one per grid cell)")
    temporal_queries: Literal["per_location", "global"]
    residual: Literal["first_frame", "consecutive"] = Field(
        description="PAPER.md C3: v_s - v_t^i, or differences of neighbours"
    )
    code_dim: PositiveInt
    quantizer: Literal["language", "learned"]
    words: Literal["by_part_of_speech", "all", "shuffled"] = Field(description="which words each token group may use")
    lookup: Lookup = Field(description="PAPER.md C11: one word a token, or adjectives+noun / adverbs+verb")
    commitment: NonNegativeFloat
    usage_entropy: NonNegativeFloat = Field(description="weight of the entropy term that keeps words in use")
    decoder_start: Literal["proxy", "random"] = Field(
        description="pixel decoder and codes start from the proxy, or afresh"
    )
    seed: NonNegativeInt = Field(description="of the initial weights")


class CodeLoss(Section):
    """Losses on proxy codes, for `target: proxy_codes` (the authors' code: cross-entropy alone).

    `expected_code` weighs the squared distance of softmax(logits) @ codes, which is what the pixel decoder reads, from
    the proxy's code: near codes count as near, so that short trainings learn faster.
    """

    cross_entropy: NonNegativeFloat
    expected_code: NonNegativeFloat


class PixelLoss(Section):
    """Losses on pixels (paper: L2 + LPIPS + GAN; code: 4, 0.1, 0.01, 0.04)."""

    l2: NonNegativeFloat
    perceptual: NonNegativeFloat
    adversarial: NonNegativeFloat
    feature_matching: NonNegativeFloat
    adversarial_start: Probability = Field(description="share of the steps after which the discriminator acts")
    discriminator_width: PositiveInt
    discriminator_lr: PositiveFloat


Part = Literal["spatial", "temporal", "decoder", "pixel_decoder"]


class CurriculumStage(Section):
    """One training of the curriculum, as data."""

    clips: Literal["images", "videos"]
    target: Literal["proxy_codes", "pixels"]
    trains: tuple[Part, ...] = Field(strict=False, description="parts that learn; all others are frozen")
    seed: NonNegativeInt
    optimiser: Optimiser


class WeightsSource(Section):
    """Where the weights of a published network come from: a file, else (if allowed) a download."""

    path: str | None = Field(description="the file; null: download it")
    sha256: str | None = Field(pattern="^[0-9a-f]{64}$", description="of the file; null: that of the published file")
    download: bool = Field(description="whether a file that is not here may be downloaded over https")


class Protocol(Section):
    """How a Frechet distance is measured; metrics.protocol has the published ones as presets."""

    name: str
    extractor: str = Field(description="a name of metrics.extractors")
    split: Literal["train", "val", "test"] = Field(description="split of the real clips")
    clips: PositiveInt | None = Field(description="how many real clips; null: all of the split")
    choice: Literal["first", "random"] = Field(description="which clips, where the split has more")
    frames: PositiveInt
    start: Literal["first", "centre", "random"] = Field(description="where in a stored clip the frames begin")
    resolution: PositiveInt = Field(description="height and width in pixels, before the extractor's own resizing")
    fit: Literal["crop", "squash"] = Field(description="shorter side + centre crop, or both sides regardless of aspect")
    antialias: bool = Field(description="whether making frames smaller averages over all pixels")
    pixels: Literal["float", "round", "truncate"] = Field(description="how values become bytes before the extractor")
    covariance: Literal["biased", "unbiased"] = Field(description="sum of squares divided by n or n - 1")
    seed: NonNegativeInt = Field(description="of random choice and start; no effect without either")
    source: str = Field(description="where these values are published, and what is not")


class EvaluateReconstruction(Section):
    batch_size: PositiveInt
    bootstrap: PositiveInt = Field(description="resamples of a 95 % interval")
    seed: NonNegativeInt


class Generator(Section):
    """Class-conditional autoregressive prior (stage train_generator; paper: 24 layers, 16 heads, 1536)."""

    layers: PositiveInt
    heads: PositiveInt
    width: PositiveInt
    label_dropout: Probability
    seed: NonNegativeInt
    optimiser: Optimiser


class Sampling(Section):
    """Sampling from the prior (stage evaluate_generation)."""

    samples: PositiveInt
    batch_size: PositiveInt
    temperature: PositiveFloat
    top_k: NonNegativeInt = Field(description="0: all")
    top_p: pydantic.confloat(gt=0, le=1)
    guidance: NonNegativeFloat = Field(description="CFG scale: u + s (c - u); 1: none")
    seed: NonNegativeInt


class Semantics(Section):
    """Probes and few-shot (stage evaluate_semantics)."""

    ways: PositiveInt = Field(ge=2)
    shots: tuple[PositiveInt, ...] = Field(strict=False)
    episodes: PositiveInt
    probe_folds: PositiveInt = Field(ge=2)
    seed: NonNegativeInt


class AblationMatrix(Section):
    """Which cells dvc.yaml runs."""

    variants: tuple[str, ...] = Field(strict=False)
    seeds: tuple[NonNegativeInt, ...] = Field(strict=False)


class AblationSchedule(Section):
    """What every ablation cell shares: the length of its trainings (equal for all variants)."""

    spatial_steps: NonNegativeInt
    joint_steps: NonNegativeInt
    pixel_steps: NonNegativeInt
    batch_size: PositiveInt


class Variant(Section):
    """An ablation variant: what it changes of the full model, nothing else."""

    tokenizer: dict[str, Any]
    curriculum: Literal["three_stage", "end_to_end"]


class Ablation(Section):
    """The ablation cells (stage ablation@variant-seed)."""

    matrix: AblationMatrix
    schedule: AblationSchedule
    variants: dict[str, Variant]

    @model_validator(mode="after")
    def _check_names(self) -> "Ablation":
        if unknown := [name for name in self.matrix.variants if name not in self.variants]:
            raise ValueError(
                f"matrix.variants names {', '.join(unknown)}, but variants has only {', '.join(self.variants)}"
            )
        return self


class Params(Section):
    """All of params.yaml. Sections are optional only because a stage loads just those it declares."""

    profile: str | None = None
    data: Data | None = None
    codebook: Codebook | None = None
    patches: Patches | None = None
    judge: Judge | None = None
    proxy: Proxy | None = None
    tokenizer: Tokenizer | None = None
    code_loss: CodeLoss | None = None
    pixel_loss: PixelLoss | None = None
    train_spatial: CurriculumStage | None = None
    train_joint: CurriculumStage | None = None
    finetune_pixels: CurriculumStage | None = None
    evaluate_reconstruction: EvaluateReconstruction | None = None
    generator: Generator | None = None
    sampling: Sampling | None = None
    semantics: Semantics | None = None
    ablation: Ablation | None = None

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if value is None and name in type(self).model_fields:
            raise InputError(f"params section `{name}` was not loaded; list it under this stage's params in dvc.yaml")
        return value

    @model_validator(mode="after")
    def _check_geometry(self) -> "Params":
        sections = self.__dict__
        data, patches = sections["data"], sections["patches"]
        if data and patches:
            if data.size % patches.spatial:
                raise ValueError(f"data.size {data.size} is not a multiple of patches.spatial {patches.spatial}")
            if (data.frames - 1) % patches.temporal:
                raise ValueError(
                    f"data.frames {data.frames} is not 1 + a multiple of patches.temporal {patches.temporal}"
                )
        tokenizer = sections["tokenizer"]
        if data and patches and tokenizer:
            cells = (data.size // patches.spatial) ** 2
            if tokenizer.temporal_queries == "per_location" and tokenizer.temporal_tokens != cells:
                raise ValueError(
                    f"tokenizer.temporal_tokens is {tokenizer.temporal_tokens}, but per_location queries need one per "
                    f"grid cell: {cells}; set it to {cells} or temporal_queries to global"
                )
        return self

    def flat(self) -> dict[str, Any]:
        """`section.key` -> value for every loaded section (what MLflow logs)."""
        return _flatten({name: value for name, value in self.model_dump(mode="json").items() if value is not None})


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _allowed(error: dict[str, Any]) -> str:
    """What could stand at the place of a pydantic error, in words."""
    if error["type"] != "extra_forbidden":
        return (
            f"{error['msg'].removeprefix('Value error, ')}; got {error['input']!r}"
            if error["loc"]
            else error["msg"].removeprefix("Value error, ")
        )
    model: Any = Params
    for key in error["loc"][:-1]:
        fields = getattr(model, "model_fields", {})
        candidates = [fields[key].annotation, *getattr(fields[key].annotation, "__args__", ())] if key in fields else []
        model = next((c for c in candidates if hasattr(c, "model_fields")), None)
    known = ", ".join(getattr(model, "model_fields", ())) or "none"
    return f"unknown key; allowed here: {known}"


def parse_params(content: Any, source: str) -> Params:
    """Validate a parsed YAML tree.

    Raises InputError: one line with the source, the first bad key's path and what is allowed there.
    """
    if not isinstance(content, dict):
        raise InputError(f"{source}: expected a mapping of sections, got {type(content).__name__}")
    try:
        return Params.model_validate(content)
    except pydantic.ValidationError as invalid:
        first = invalid.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        more = f" (and {invalid.error_count() - 1} more)" if invalid.error_count() > 1 else ""
        raise InputError(f"{source}: {path + ': ' if path else ''}{_allowed(first)}{more}") from invalid


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; run from the project's root") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and validate a complete params file. Raises InputError, also where a section is missing."""
    params = parse_params(_read_yaml(Path(path)), str(path))
    missing = [name for name, value in params.__dict__.items() if value is None]
    if missing:
        raise InputError(f"{path}: missing section(s) {', '.join(missing)}; compare with the repository's params.yaml")
    return params


def stage_params(stage: str, path: str | Path = "params.yaml", pipeline: str | Path = "dvc.yaml") -> Params:
    """The sections of params.yaml that dvc.yaml declares for `stage`, validated; others raise when touched.

    The whole file is validated first, so a typo anywhere is reported by the first stage that runs.
    Raises InputError (unknown stage, bad params).
    """
    load_params(path)
    stages = _read_yaml(Path(pipeline))["stages"]
    if stage not in stages:
        raise InputError(f"{pipeline} has no stage {stage!r}; known: {', '.join(stages)}")
    declared = {str(key).split(".")[0] for key in stages[stage].get("params", ())}
    content = _read_yaml(Path(path))
    return parse_params({name: section for name, section in content.items() if name in declared}, str(path))
