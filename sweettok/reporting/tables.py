"""The paper's tables T1 ... T7, ours beside the published numbers."""

from collections.abc import Collection, Iterable

from sweettok.reporting.ablation_tables import ablation_table
from sweettok.reporting.cells import (
    METHODS,
    NOT_I3D,
    UNITS,
    is_of_images,
    label_of,
    left_out_notes,
    protocol,
    published_cells,
)  # fmt: skip
from sweettok.reporting.codebook_tables import codebook_tables
from sweettok.reporting.collect import Results
from sweettok.reporting.prior_scaling import scaling_tables
from sweettok.reporting.published import published
from sweettok.reporting.rate_distortion import rate_distortion_tables
from sweettok.reporting.retention import retention_tables
from sweettok.reporting.semantic_tables import (
    few_shot_table,
    probe_table,
    variant_semantics_tables,
    word_information_table,
)
from sweettok.reporting.small_sample import size_tables
from sweettok.reporting.stability_tables import stability_table
from sweettok.reporting.table import Number, Row, Table

COVERAGE, NEAREST = "factor coverage", "PSNR to the nearest training clip (dB)"


def setting(results: Results) -> str:
    """What our columns stand for, e.g. "profile default; sprites, 17 frames of 32x32; clips train 2048, test 256"."""
    if results.data is None:
        return f"profile {results.profile}; data not prepared"
    splits = {name: entry["shape"] for name, entry in results.data["splits"].items()}  # (N, T, H, W, 3)
    _, frames, height, width, _ = next(iter(splits.values()))
    clips = ", ".join(f"{name} {shape[0]}" for name, shape in splits.items())
    return f"profile {results.profile}; {results.data['dataset']}, {frames} frames of {height}x{width}; clips {clips}"


def all_tables(results: Results) -> tuple[Table, ...]:
    """T1 ... T7, T6_stability, T7_probes, T7_words, codebook_words, codebook_edges and, where there is something for them,
    T1_retention, T2_scaling, T7_variants, rate_distortion and small_sample.

    What has not run is marked in its row; the published numbers are always there.
    """
    ours = setting(results)
    return (
        _reconstruction_table(results),
        *retention_tables(results, ours),
        _generation_table(results),
        *scaling_tables(results, ours),
        _image_table(results),
        ablation_table(results, "T4", ours),
        ablation_table(results, "T5", ours),
        ablation_table(results, "T6", ours),
        stability_table(results, ours),
        few_shot_table(results, ours),
        probe_table(results, ours),
        word_information_table(results, ours),
        *variant_semantics_tables(results, ours),
        *codebook_tables(results),
        *size_tables(results, ours),
        *rate_distortion_tables(results, ours),
    )


def _reconstruction_table(results: Results) -> Table:
    metrics: tuple[str, ...] = ("frechet_video/judge", "psnr", "ssim", "perceptual/judge")
    metrics += further_metrics(results, {*metrics, "frechet_image/judge"}, of_images=False)
    return Table(
        identity="T1",
        title="video reconstruction (paper: rFVD on UCF-101, lower is better)",
        published_columns=("rFVD", "tokens", "source"),
        our_columns=(*(UNITS.get(metric, metric) for metric in metrics), "tokens", "indices", "bits"),
        rows=_reconstruction_rows(results, "T1", metrics),
        setting=setting(results),
        notes=(
            NOT_I3D,
            "[low, high]: 95 % interval over clips. Bits: log2 of the addressable words, summed.",
            *left_out_notes(results.reconstruction, ("video",)),
        ),
    )


def _image_table(results: Results) -> Table:
    metrics = ("frechet_image/judge", *further_metrics(results, {"frechet_image/judge"}, of_images=True))
    return Table(
        identity="T3",
        title="image reconstruction (paper: rFID on ImageNet, lower is better)",
        published_columns=("rFID", "tokens", "source"),
        our_columns=metrics,
        rows=_reconstruction_rows(results, "T3", metrics),
        setting=setting(results),
        notes=(NOT_I3D, *left_out_notes(results.reconstruction, ("image",))),
    )


def further_metrics(results: Results, shown: Collection[str], of_images: bool) -> tuple[str, ...]:
    """The metrics of T1 (or T3: of images) beside those `shown`: on published networks, by the records' own names."""
    methods = (results.reconstruction or {}).get("methods", {})
    names = dict.fromkeys(name for method in methods.values() for name in method["metrics"])
    return tuple(name for name in names if name not in shown and ":" not in name and is_of_images(name) == of_images)


def _reconstruction_rows(results: Results, table: str, metrics: Iterable[str]) -> tuple[Row, ...]:
    methods = (results.reconstruction or {}).get("methods", {})
    known = {row.ours: row for row in published(table)}
    rows = [Row(row.method, published_cells(row)) for row in published(table) if row.ours is None]
    for name in [*METHODS, *(name for name in methods if name not in METHODS)]:
        label = label_of(name)
        printed = published_cells(known[name]) if name in known else {}
        if name in methods:
            records = {UNITS.get(metric, metric): methods[name]["metrics"].get(metric) for metric in metrics}
            cells: dict[str, Number | str] = {column: Number.of(record) for column, record in records.items()}
            if table == "T1":
                cells |= {key: Number(methods[name].get(key)) for key in ("tokens", "indices", "bits")}
            rows.append(Row(label, printed, cells, protocol(records)))
        elif printed or not methods:
            rows.append(Row(label, printed, remark="not run"))
    return tuple(rows)


def _chosen_sampling(results: Results) -> tuple[str, ...]:
    """A note on how guidance and temperature were chosen, where there was a choice."""
    choice, chosen = ((results.generation or {}).get(key) for key in ("choice", "sampling"))
    if not choice or not chosen:
        return ()
    settings = f"Guidance {chosen['guidance']:g} and temperature {chosen['temperature']:g}"
    how = (
        f"of {len(choice)} pairs those within a tenth of the lowest Frechet distance to validation clips, and of these the one "
        f"of the highest class consistency (n = {choice[0]['n']} each)"
    )
    return (f"{settings}: {how}.",)


def _generation_table(results: Results) -> Table:
    ours = {
        "": "SweetTok (paper: 650M; ours: see parameters)",
        ":reconstruction": "floor: reconstructed test clips",
        ":train_vs_test": "floor: train against test clips",
    }
    metrics = (results.generation or {}).get("metrics", {})
    parameters = (results.generation or {}).get("parameters")
    printed = {row.ours: row for row in published("T2")}
    rows = [Row(row.method, published_cells(row)) for row in published("T2") if row.ours is None]
    distances = ("frechet_video/judge",)
    others = ("class_", "factor_", "nearest_")
    distances += tuple(n for n in metrics if ":" not in n and not n.startswith(others) and n not in distances)
    for variant, label in ours.items():
        is_prior = variant == ""
        columns = {distance: metrics.get(distance + variant) for distance in distances}
        if is_prior:
            columns["class consistency"] = metrics.get("class_consistency")
        elif variant == ":train_vs_test":
            columns["class consistency"] = metrics.get("class_accuracy_real")
        columns[COVERAGE] = metrics.get(f"factor_coverage{variant}")
        nearest = {"": "nearest_train_psnr", ":train_vs_test": "nearest_train_psnr:test"}.get(variant, "")
        columns[NEAREST] = metrics.get(nearest)
        cells = {column: Number.of(record) for column, record in columns.items() if record is not None}
        if is_prior and parameters is not None:
            cells["parameters"] = Number(int(parameters))
        rows.append(
            Row(
                label,
                published_cells(printed["sweettok"]) if is_prior else {},
                cells,
                protocol(columns),
                remark="" if cells else "not run",
            )
        )
    return Table(
        identity="T2",
        title="class-conditional generation (paper: gFVD on UCF-101, lower is better)",
        published_columns=("gFVD", "source"),
        our_columns=(*distances, "class consistency", COVERAGE, NEAREST, "parameters"),
        rows=tuple(rows),
        setting=setting(results),
        notes=(
            NOT_I3D,
            "Class consistency: share of samples that the judge puts into the class they were sampled for; in the row "
            "of train against test clips, the judge's accuracy on real test clips, which bounds it.",
            "Factor coverage: 1 where the judge sees every value of every factor as often among the samples as among test "
            "clips; in the last row, of as many training clips. Nearest training clip: of the samples, and in the last row "
            "of real test clips; samples much nearer than those would be copies.",
            *_chosen_sampling(results),
            *left_out_notes(results.generation, ("video", "image")),
        ),
    )
