"""Every metric, declared once: what tables call it, which way is better, what it needs, how it is computed.

A new one is a `Metric` in `METRICS`, or of an installed package, whose pyproject.toml offers it:

    [project.entry-points."sweettok.metrics"]
    mae = "my_package.metrics:MAE"

Evaluations, intervals, columns of tables, names in MLflow and `sweettok evaluate --metrics` follow from it. Without torch,
so that the report and the command line may ask.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sweettok.errors import InputError
from sweettok.metrics.addresses import function_at

GROUP = "sweettok.metrics"
Kind = Literal["video", "image"]


@dataclass(frozen=True)
class Metric:
    """A number that tells how near clips are to real ones.

    name        key of its records, in results.json, in MLflow and on the command line
    compute     a function, or where it is, "package.module:function". Of pairs: (a, b) -> (B,), clips (B, 3, T, H, W) in
                [-1, 1] on any device, after the judge where it needs that: (judge, a, b). Of sets: judge, kind ->
                Extractor. With published weights: network, source -> the opened network (see perceptual_networks,
                extractors). Of samples: generation.Samples -> its record, and those of what bounds it
    compares    "pairs": each reconstruction with its clip; "sets": all generated clips with all real ones; "samples":
                generated clips with what they should be
    kind        "video": clips (T1); "image": their first frames (T3)
    unit        of its values, in brackets behind the label
    label       what tables call it; "": its name
    needs       "judge", "weights" of a published network, or nothing
    networks    names in params.metrics whose weights it can be measured with
    interval    how its 95 % interval comes about: a bootstrap over clips of the mean, or of the distance
    column      of per-clip tables; "": its name
    min_size    pixels a side that it needs
    """

    name: str
    compute: Callable[..., Any] | str
    compares: Literal["pairs", "sets", "samples"]
    higher_is_better: bool
    kind: Kind = "video"
    unit: str = ""
    label: str = ""
    needs: Literal["", "judge", "weights"] = ""
    networks: tuple[str, ...] = ()
    interval: Literal["mean", "distance"] = "mean"
    column: str = ""
    min_size: int = 1

    @property
    def title(self) -> str:
        """Of a table's column: the label with its unit."""
        return f"{self.label or self.name} ({self.unit})" if self.unit else self.label or self.name

    @property
    def per_clip(self) -> str:
        """Its column in per-clip tables."""
        return self.column or self.name

    def function(self) -> Callable[..., Any]:
        """`compute`, imported. Raises InputError where that fails."""
        if callable(self.compute):
            return self.compute
        said = f"metric {self.name}: compute={self.compute!r}"
        return function_at(self.compute, said, "give package.module:function", "name one")


def _frechet(name: str, kind: Kind, *networks: str) -> Metric:
    """A Frechet distance: on the judge's features, or on those of published networks."""
    place = "sweettok.metrics.extractors:" + ("open_extractor" if networks else "judge_extractor")
    needs: Literal["judge", "weights"] = "weights" if networks else "judge"
    return Metric(name, place, "sets", False, kind, needs=needs, networks=networks, interval="distance")


def _lpips(net: str) -> Metric:
    place = "sweettok.metrics.lpips:open_lpips"
    return Metric(f"lpips/{net}", place, "pairs", False, needs="weights", networks=(net,), min_size=32)


METRICS = (
    _frechet("frechet_video/judge", "video"),
    Metric("psnr", "sweettok.metrics.fidelity:psnr", "pairs", True, unit="dB", label="PSNR"),
    Metric("ssim", "sweettok.metrics.fidelity:ssim", "pairs", True, label="SSIM", min_size=11),
    Metric(
        "perceptual/judge", "sweettok.metrics.perceptual:perceptual_distance", "pairs", False,
        needs="judge", column="perceptual",
    ),
    _frechet("frechet_image/judge", "image"),
    _frechet("fvd", "video", "i3d", "i3d-videogpt"),
    _frechet("fid", "image", "inception"),
    _frechet("frechet_image/squeezenet1_0", "image", "squeezenet1_0"),
    *map(_lpips, ("alex", "vgg", "squeeze")),
    Metric(
        "perceptual/squeezenet1_0", "sweettok.metrics.perceptual_networks:open_squeezenet", "pairs", False,
        needs="weights", networks=("squeezenet1_0",), min_size=32,
    ),
    Metric(
        "class_consistency", "sweettok.metrics.generation:class_records", "samples", True,
        label="class consistency", needs="judge",
    ),
    Metric(
        "factor_coverage", "sweettok.metrics.generation:factor_coverage", "samples", True,
        label="factor coverage", needs="judge",
    ),
    Metric(
        "nearest_train_psnr", "sweettok.metrics.generation:nearest_train_psnr", "samples", False,
        label="PSNR to the nearest training clip", unit="dB",
    ),
)  # fmt: skip


@cache
def metrics() -> dict[str, Metric]:
    """Name -> metric, this project's first.

    Raises InputError: a package's that does not import or is declared wrongly, a name given twice.
    """
    found = {metric.name: metric for metric in METRICS}
    for point in entry_points(group=GROUP):
        try:
            metric = point.load()
        except Exception as error:  # whatever the package raises when it is imported
            raise InputError(
                f"metric {point.name!r}: {point.value} cannot be imported ({error}); fix or uninstall it"
            ) from error
        if not isinstance(metric, Metric):
            raise InputError(
                f"metric {point.name!r}: {point.value} is not a sweettok.metrics.registry.Metric; make it one"
            )
        if fault := _fault(metric):
            raise InputError(f"metric {metric.name!r} of {point.value}: {fault}")
        if metric.name in found:
            raise InputError(
                f"metric {metric.name!r} is given twice, the second time by {point.value}; rename that one"
            )
        found[metric.name] = metric
    return found


def _fault(metric: Metric) -> str:
    """What is wrong with a declaration; "" where nothing is."""
    if not (isinstance(metric.name, str) and re.fullmatch(r"[^\s:@]+", metric.name)):
        return "a name is text without spaces, : and @, which set off the variant and the protocol of a record"
    if not (callable(metric.compute) or (isinstance(metric.compute, str) and metric.compute)):
        return f"compute is {metric.compute!r:.80}; give a function, or where it is, package.module:function"
    for key, hint in get_type_hints(Metric).items():
        if get_origin(hint) is Literal and getattr(metric, key) not in get_args(hint):
            allowed = ", ".join(map(repr, get_args(hint)))
            return f"{key} is {getattr(metric, key)!r:.80}; choose from {allowed}"
    return ""


def metric_of(record: str) -> Metric | None:
    """The metric of a record's key: `fvd` of `fvd@larp`, `psnr` of `psnr:limit`. None: unknown, or on unverified weights."""
    return metrics().get(record.partition(":")[0].partition("@")[0])


def title_of(record: str) -> str:
    """The column of a record in tables."""
    known = metrics().get(record)
    return known.title if known else record


def higher_is_better(record: str) -> bool:
    """Which way is better; of what is unknown (a loss, a distance on unverified weights) lower is."""
    known = metric_of(record)
    return known is not None and known.higher_is_better


def kind_of(record: str) -> Kind:
    """Whether a record compares clips (T1) or images (T3); on unverified weights its name says so."""
    known = metric_of(record)
    return known.kind if known else "image" if record.startswith("frechet_image/") else "video"


def frechet_of(network: str) -> Metric:
    """The Frechet distance that is measured on a network's features."""
    return next(m for m in metrics().values() if m.compares == "sets" and network in m.networks)
