"""The paper's tables T1 ... T7, ours beside the published numbers, and what goes with them."""

from collections.abc import Collection, Sequence

from sweettok.metrics.registry import kind_of, title_of
from sweettok.reporting.ablation import over_seeds
from sweettok.reporting.ablation_tables import STEPS, ablation_table, stability_table, steps_to_learn
from sweettok.reporting.checkpoints import checkpoint_rows
from sweettok.reporting.codebook_tables import edges_table, words_table
from sweettok.reporting.collect import Results
from sweettok.reporting.names import method_title, trained_alike
from sweettok.reporting.prior_scaling import scaling_table, variants_table
from sweettok.reporting.protocol import skipped_notes
from sweettok.reporting.published import published_beside, published_rows
from sweettok.reporting.rate_distortion import rate_distortion_table
from sweettok.reporting.report_text import declared_table
from sweettok.reporting.retention import retention_table
from sweettok.reporting.semantic_tables import (
    few_shot_table,
    probe_table,
    variant_semantics_table,
    word_information_table,
)
from sweettok.reporting.small_sample import size_table
from sweettok.reporting.table import CHECKPOINT, TRAINED, Content, Number, Row, Table
from sweettok.reporting.thresholds import threshold_notes

CONSISTENCY, COVERAGE = "class consistency", "factor coverage"
NEAREST = "PSNR to the nearest training clip (dB)"
SIZES = ("tokens", "indices", "bits", "parameters")  # of a clip, and of the tokenizer
OPERATIONS = "operations (millions)"


def all_tables(results: Results) -> tuple[Table, ...]:
    """T1 ... T7, T6_stability, T7_probes, T7_words, codebook_words, codebook_edges and, where there is something for them,
    T1_retention, T2_scaling, T2_variants, T7_variants, rate_distortion and small_sample.

    What has not run is marked in its row; the published numbers are always there.
    """
    tables = (
        _reconstruction_table(results),
        retention_table(results),
        _generation_table(results),
        scaling_table(results),
        variants_table(results),
        _image_table(results),
        *(ablation_table(results, identity) for identity in ("T4", "T5", "T6")),
        stability_table(results),
        few_shot_table(results),
        probe_table(results),
        word_information_table(results),
        variant_semantics_table(results),
        words_table(results),
        edges_table(results),
        size_table(results),
        rate_distortion_table(results),
    )
    return tuple(table for table in tables if table is not None)


def _reconstruction_table(results: Results) -> Table:
    metrics: tuple[str, ...] = ("frechet_video/judge", "psnr", "ssim", "perceptual/judge")
    metrics += _further_metrics(results, {*metrics, "frechet_image/judge"}, of_images=False)
    rows = published_rows("T1") + checkpoint_rows(results.checkpoints, "T1", SIZES)
    rows += _method_rows(results, "T1", metrics, SIZES) + _variant_rows(results, metrics, SIZES)
    notes = skipped_notes(results.reconstruction, ("video",)) + threshold_notes(results.reconstruction)
    first = (*map(title_of, metrics), *SIZES)
    return declared_table("T1", rows, results.setting, first=first, also=_further_notes(results), notes=notes)


def _image_table(results: Results) -> Table:
    metrics = ("frechet_image/judge", *_further_metrics(results, {"frechet_image/judge"}, of_images=True))
    rows = published_rows("T3") + checkpoint_rows(results.checkpoints, "T3")
    rows += _method_rows(results, "T3", metrics) + _variant_rows(results, metrics)
    notes, first = skipped_notes(results.reconstruction, ("image",)), tuple(map(title_of, metrics))
    return declared_table("T3", rows, results.setting, first=first, also=_further_notes(results), notes=notes)


def _further_notes(results: Results) -> list[str]:
    """The note that the rows of `_variant_rows` need."""
    return ["ablation"] if results.variants else []


def _further_metrics(results: Results, shown: Collection[str], of_images: bool) -> tuple[str, ...]:
    """The metrics of T1 (or T3: of images) beside those `shown`: on published networks, by the records' own names."""
    names = dict.fromkeys(name for method in results.methods.values() for name in method["metrics"])
    further = (name for name in names if name not in shown and ":" not in name)
    return tuple(name for name in further if (kind_of(name) == "image") == of_images)


def _method_rows(results: Results, table: str, metrics: Sequence[str], sizes: Sequence[str] = ()) -> list[Row]:
    """One a method that the summary names; a method of the paper that it lacks is marked."""
    rows = []
    for name in dict.fromkeys([*results.methods, *published_beside(table)]):
        ours: dict[str, Content] = {}
        if method := results.methods.get(name):
            ours = {title_of(metric): Number.of(method["metrics"].get(metric)) for metric in metrics}
            ours |= {size: Number(method.get(size)) for size in sizes}
        block = CHECKPOINT if name in results.pretrained else TRAINED
        rows.append(Row(method_title(name), ours, remark="" if ours else "not run", block=block))
    return rows


def _variant_rows(results: Results, metrics: Sequence[str], sizes: Sequence[str] = ()) -> list[Row]:
    """One a variant of the ablation, all trained under equal conditions; with `sizes` also what it costs."""
    rows = []
    for variant in results.variants:
        of_seeds = {title_of(metric): over_seeds(results, variant, metric) for metric in metrics}
        ours: dict[str, Content] = {title: Number.over_seeds(found) for title, found in of_seeds.items() if found}
        if sizes:
            summary = next(iter(results.of_variant(variant).values())).summary
            ours |= {size: Number(summary.get(size)) for size in sizes}
            if "operations" in summary:
                ours[OPERATIONS] = Number(summary["operations"] / 1e6)
            ours[STEPS] = steps_to_learn(results, variant)
        rows.append(Row(trained_alike(variant), ours, block=TRAINED))
    return rows


def _generation_table(results: Results) -> Table:
    generation = results.generation or {}
    metrics = generation.get("metrics", {})
    others = ("class_", "factor_", "nearest_")
    distances = dict.fromkeys(
        ["frechet_video/judge", *(n for n in metrics if ":" not in n and not n.startswith(others))]
    )
    rows = published_rows("T2") + checkpoint_rows(results.checkpoints, "T2")
    for label, suffix, consistency, nearest in (
        ("SweetTok", "", "class_consistency", "nearest_train_psnr"),
        ("floor: reconstructed test clips", ":reconstruction", "", ""),
        ("floor: train against test clips", ":train_vs_test", "class_accuracy_real", "nearest_train_psnr:test"),
    ):
        names = {distance: distance + suffix for distance in distances}
        names |= {CONSISTENCY: consistency, COVERAGE: f"factor_coverage{suffix}", NEAREST: nearest}
        ours: dict[str, Content] = {
            column: Number.of(metrics[name]) for column, name in names.items() if name in metrics
        }
        if not suffix and "parameters" in generation:
            ours["parameters"] = Number(int(generation["parameters"]))
        rows.append(Row(label, ours, remark="" if ours else "not run", block=TRAINED))
    first = (*distances, CONSISTENCY, COVERAGE, NEAREST, "parameters")
    notes = threshold_notes(results.generation) + _chosen_sampling(results)
    notes += skipped_notes(results.generation, ("video", "image"))
    return declared_table("T2", rows, results.setting, first=first, notes=notes)


def _chosen_sampling(results: Results) -> tuple[str, ...]:
    """A note on how guidance and temperature were chosen, where there was a choice."""
    choice, chosen = ((results.generation or {}).get(key) for key in ("choice", "sampling"))
    if not choice or not chosen:
        return ()
    reason = choice[0].get("says_nothing")
    return (
        f"Guidance {chosen['guidance']:g} and temperature {chosen['temperature']:g}: of {len(choice)} pairs the one of "
        "the lowest Frechet distance to validation clips "
        f"(n = {choice[0]['n']} each{f'; such distances say nothing: {reason}' if reason else ''}).",
    )
