"""All sections together, and what must hold between them."""

from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeVar

from pydantic import ValidationError, model_validator

from sweettok.errors import InputError
from sweettok.params.codebook import Codebook
from sweettok.params.codecs import Codecs
from sweettok.params.data import AnyData, Patches
from sweettok.params.evaluation import SMALLEST, Ablation, EvaluateReconstruction, PriorScaling, Sampling, Semantics
from sweettok.params.metrics import Metrics
from sweettok.params.models import Generator, Judge, Proxy, Tokenizer
from sweettok.params.report import Report
from sweettok.params.section import Section
from sweettok.params.tokenizers import Tokenizers
from sweettok.params.training import CodeLoss, CurriculumStage, Machine, PixelLoss

if TYPE_CHECKING:
    T = TypeVar("T")
    Loaded = Annotated[T, "a section that was not loaded raises when it is read, so nobody sees None"]
else:
    Loaded = Optional
NOT_LOADED: Any = None
UNWATCHED = ("machine",)  # sections that every stage may read though dvc.yaml lists them nowhere: they change no result


class Params(Section):
    """All of params.yaml. Sections are optional only because a stage loads just those it declares."""

    profile: Loaded[str] = NOT_LOADED
    data: Loaded[AnyData] = NOT_LOADED
    codebook: Loaded[Codebook] = NOT_LOADED
    patches: Loaded[Patches] = NOT_LOADED
    judge: Loaded[Judge] = NOT_LOADED
    proxy: Loaded[Proxy] = NOT_LOADED
    tokenizer: Loaded[Tokenizer] = NOT_LOADED
    code_loss: Loaded[CodeLoss] = NOT_LOADED
    pixel_loss: Loaded[PixelLoss] = NOT_LOADED
    train_spatial: Loaded[CurriculumStage] = NOT_LOADED
    train_joint: Loaded[CurriculumStage] = NOT_LOADED
    finetune_pixels: Loaded[CurriculumStage] = NOT_LOADED
    tokenizers: Loaded[Tokenizers] = NOT_LOADED
    evaluate_reconstruction: Loaded[EvaluateReconstruction] = NOT_LOADED
    metrics: Loaded[Metrics] = NOT_LOADED
    codecs: Loaded[Codecs] = NOT_LOADED
    generator: Loaded[Generator] = NOT_LOADED
    sampling: Loaded[Sampling] = NOT_LOADED
    prior_scaling: Loaded[PriorScaling] = NOT_LOADED
    semantics: Loaded[Semantics] = NOT_LOADED
    ablation: Loaded[Ablation] = NOT_LOADED
    report: Loaded[Report] = NOT_LOADED
    machine: Loaded[Machine] = NOT_LOADED

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
        if data and sections["evaluate_reconstruction"]:
            if data.size < SMALLEST:
                raise ValueError(f"data.size {data.size} is less than {SMALLEST}, the window of SSIM; raise it")
            if data.clips.test is not None and data.clips.test < 2:
                raise ValueError("data.clips.test is 1, but a distance between test clips and others needs at least 2")
        if data and data.frames == 1:
            for name in ("train_spatial", "train_joint", "finetune_pixels"):
                stage = sections[name]
                if stage and (stage.clips == "videos" or "temporal" in stage.trains):
                    raise ValueError(
                        f"{name} trains on videos, but data.frames is 1: images have no time to learn from; set "
                        f"{name}.clips to images and leave temporal out of {name}.trains"
                    )
        tokenizer = sections["tokenizer"]
        if data and patches and tokenizer:
            _check_grid(tokenizer, data, patches)
        return self

    @model_validator(mode="after")
    def _check_variants(self) -> "Params":
        tokenizer, ablation, data, patches = (
            self.__dict__[name] for name in ("tokenizer", "ablation", "data", "patches")
        )
        for name, variant in ablation.variants.items() if tokenizer and ablation else ():
            try:
                of_variant = Tokenizer.model_validate(tokenizer.model_dump() | variant.tokenizer)
            except ValidationError as invalid:
                first = invalid.errors()[0]
                place = ".".join(["ablation.variants", name, "tokenizer", *map(str, first["loc"])])
                raise ValueError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from invalid
            if data and patches:
                _check_grid(of_variant, data, patches, f"ablation.variants.{name}.tokenizer")
        return self

    def flat(self) -> dict[str, Any]:
        """`section.key` -> value for every loaded section (what MLflow logs)."""
        return _flatten({name: value for name, value in self.model_dump(mode="json").items() if value is not None})


def _check_grid(tokenizer: Tokenizer, data: AnyData, patches: Patches, section: str = "tokenizer") -> None:
    """Tokens lie on square grids that divide the grid of patches, holistic ones anywhere. Raises ValueError with what
    would fit."""
    if tokenizer.architecture == "holistic":
        return
    side, later = data.size // patches.spatial, max(1, (data.frames - 1) // patches.temporal)
    decoupled, of_queries = tokenizer.architecture == "decoupled", tokenizer.temporal_queries
    frames_of_tokens = 1 if decoupled and of_queries != "per_frame" else later
    squares = [count**2 for count in range(1, side + 1) if side % count == 0]
    if decoupled and of_queries == "per_location" and tokenizer.temporal_tokens != side**2:
        raise ValueError(
            f"{section}.temporal_tokens is {tokenizer.temporal_tokens}, but per_location queries need one per patch of "
            f"a frame: {side**2}; set it to {side**2} or temporal_queries to global"
        )
    for key, frames in (("spatial_tokens", 1), ("temporal_tokens", frames_of_tokens)):
        count, fitting = getattr(tokenizer, key), [frames * square for square in squares]
        if count not in fitting:
            over = f" in each of {frames} later latent frames" if frames > 1 else ""
            raise ValueError(
                f"{section}.{key} is {count}, but tokens start from places on a {side} x {side} grid of patches{over}; "
                f"it can be {', '.join(map(str, fitting))}"
            )


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
