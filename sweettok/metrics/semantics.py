"""What tokens mean: few-shot classification (T7) and linear probes of spatial and temporal tokens.

Probes of every factor make the disentanglement matrix: do spatial tokens hold appearance, and temporal ones motion?
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweettok.metrics.few_shot import few_shot_accuracy
from sweettok.metrics.probes import Probe, probe, token_features
from sweettok.metrics.record import record
from sweettok.metrics.statistics import bootstrap_interval
from sweettok.models.judge import Judge
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Semantics
from sweettok.video.sprite_words import KINDS
from sweettok.video.store import ClipStore

CLIPS_AT_ONCE = 32
ENOUGH = 10  # clips of a class: 5 shots and 5 queries
RESAMPLES = 1000
PROBED = ("spatial", "temporal", "judge", "pixels")  # token groups, then references

Scores = dict[tuple[str, int, int, str], NDArray[np.float64]]  # (task, ways, shots, representation) -> per episode
Probes = dict[tuple[str, str], Probe]  # (representation, column of the labels) -> probe


@torch.no_grad()
def tokens_by_group(model: VideoTokenizer, store: ClipStore, count: int | None = None) -> dict[str, Tensor]:
    """Tokens of the first `count` clips (None: all) on the CPU, int64 (n, L), with composed lookup (n, L, 3), for each
    group of `model.groups`."""
    device = model.device
    tokens = [model.encode(store.clips(part).to(device)).cpu() for part in _chunks(store, count)]
    return dict(zip(model.groups, torch.cat(tokens).split(list(model.groups.values()), dim=1), strict=True))


@torch.no_grad()
def token_representations(model: VideoTokenizer, tokens: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Vectors (n, F) of each clip: how often each word stands in a group's tokens ("spatial", "temporal") and, where tokens
    are words, the mean of these words' frozen vectors, which an LLM would be told ("words_spatial", ...).

    Neither knows of places: the objects of a clip may be anywhere, and it is asked which words a clip is made of. Both
    know of time: of tokens that belong to several latent frames, those of each frame are counted apart.
    """
    vectors, counted = {}, {}
    for group, of_group in tokens.items():
        quantizer, of_frames = model.quantizers[group], of_group.chunk(model.token_frames[group], dim=1)
        if quantizer.words is not None:
            means = [
                torch.cat([quantizer.vectors[part].flatten(1, -2).mean(1) for part in frame.split(CLIPS_AT_ONCE)])
                for frame in of_group.to(model.device).chunk(len(of_frames), dim=1)
            ]
            vectors[f"words_{group}"] = torch.cat(means, dim=1).cpu().numpy()
        counted[group] = np.concatenate([token_features(frame, quantizer.size) for frame in of_frames], axis=1)
    return vectors | counted


@torch.no_grad()
def reference_representations(judge: Judge, store: ClipStore, count: int | None = None) -> dict[str, np.ndarray]:
    """Vectors (n, F) of the first `count` clips (None: all) to compare tokens with: judge features and pixels, of the clip and its first frame."""
    collected: dict[str, list[Tensor]] = {name: [] for name in ("judge", "judge_image", "pixels", "first_frame")}
    shrink = torch.nn.functional.adaptive_avg_pool3d
    for part in _chunks(store, count):
        clip = store.clips(part).to(judge.device)
        collected["judge"].append(judge.video_features(clip))
        collected["judge_image"].append(judge.image_features(clip[:, :, :1]))
        collected["pixels"].append(shrink(clip, (5, 8, 8)).flatten(1))
        collected["first_frame"].append(shrink(clip[:, :, :1], (1, 8, 8)).flatten(1))
    return {name: torch.cat(parts).cpu().numpy() for name, parts in collected.items()}


def _chunks(store: ClipStore, count: int | None = None) -> tuple[Tensor, ...]:
    return torch.arange(len(store) if count is None else min(count, len(store))).split(CLIPS_AT_ONCE)


def token_semantics(model: VideoTokenizer, store: ClipStore, settings: Semantics) -> dict[str, list[dict[str, Any]]]:
    """What the tokens alone say of the clips, for an ablation cell: `semantic_rows` without references, cross-validated."""
    of_cell = settings.model_copy(update={"probe_clips": 0})
    return semantic_rows(token_representations(model, tokens_by_group(model, store)), store, of_cell)


def semantic_rows(
    vectors: dict[str, np.ndarray],
    store: ClipStore,
    settings: Semantics,
    fitting: tuple[dict[str, np.ndarray], pandas.DataFrame] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """All that `vectors` (name -> (n, F), see the `..._representations`) say of the clips' labels.

    fitting: the same vectors of training clips and their labels, on which probes are fitted; None: cross-validation.

    few_shot, few_shot_average: see `few_shot_rows` and `few_shot_averages`; probes, probe_differences: see `probe_rows`
    and `probe_differences`. Raises InputError (classes too small for the settings).
    """
    scores, probes = _few_shot_scores(vectors, store, settings), _probes(vectors, store, settings, fitting)
    return {
        "few_shot": few_shot_rows(scores, store, settings),
        "few_shot_average": few_shot_averages(scores, store, settings),
        "probes": probe_rows(probes, store, settings),
        "probe_differences": probe_differences(probes, store, settings),
    }


def few_shot_tasks(store: ClipStore) -> dict[str, tuple[str, str]]:
    """Task -> (column of the labels, token group that is asked): image (shape, or of images the class), action and, where
    every colour has `ENOUGH` clips, colour."""
    if store.frames == 1:
        return {"image": ("class", "spatial")}
    tasks = {"action": ("class", "temporal")}
    if "factor:shape" in store.labels:
        tasks["image"] = "factor:shape", "spatial"
    if "factor:colour" in store.labels and min(Counter(store.labels["factor:colour"]).values()) >= ENOUGH:
        tasks["colour"] = "factor:colour", "spatial"
    return tasks


def few_shot_sizes(labels: np.ndarray, settings: Semantics) -> list[tuple[int, int]]:
    """(ways, shots) of a task; of fewer classes than ways all are taken. Empty where there is one class."""
    all_ways = dict.fromkeys(min(ways, len(set(labels))) for ways in settings.ways)
    return [(ways, shots) for ways in all_ways if ways >= 2 for shots in settings.shots]


def _few_shot_scores(vectors: dict[str, np.ndarray], store: ClipStore, settings: Semantics) -> Scores:
    references = {"spatial": ("judge_image", "first_frame"), "temporal": ("judge", "pixels")}
    scores = {}
    for task, (column, group) in few_shot_tasks(store).items():
        labels = store.labels[column].to_numpy()
        names = [name for name in (f"words_{group}", group, *references[group]) if name in vectors]
        for ways, shots in few_shot_sizes(labels, settings):
            for name in names:
                scores[task, ways, shots, name] = few_shot_accuracy(
                    standardised(vectors[name]), labels, ways, shots, settings.episodes, settings.seed
                )
    return scores


def standardised(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, F) with mean 0 and standard deviation 1 of each number over the clips: rare words count as frequent ones.
    What never varies becomes 0. No label is looked at."""
    return (vectors - vectors.mean(0)) / np.maximum(vectors.std(0), 1e-6)


def few_shot_rows(scores: Scores, store: ClipStore, settings: Semantics) -> list[dict[str, Any]]:
    """n-way k-shot accuracy by nearest class mean, with the interval over episodes.

    The episodes of a task, ways and shots are the same for every representation (and model, on the same clips). They draw
    from one set of clips again and again: the interval says nothing of other clips.
    """
    return [
        {
            "task": task,
            "ways": ways,
            "shots": shots,
            "representation": name,
            "accuracy": _few_shot_record(of_episodes, store, settings, task, chance=1 / ways),
        }
        for (task, ways, shots, name), of_episodes in scores.items()
    ]


def few_shot_averages(scores: Scores, store: ClipStore, settings: Semantics) -> list[dict[str, Any]]:
    """The mean over all ways and shots of a task, what stands beside the paper's averages (it does not say of what)."""
    rows = []
    for task, name in dict.fromkeys((task, name) for task, _, _, name in scores):
        settings_of = {key: value for key, value in scores.items() if (key[0], key[3]) == (task, name)}
        over = [f"{ways}-way {shots}-shot" for _, ways, shots, _ in settings_of]
        chance = round(float(np.mean([1 / ways for _, ways, _, _ in settings_of])), 6)
        mean = np.mean(list(settings_of.values()), axis=0)  # (episodes,)
        accuracy = _few_shot_record(mean, store, settings, task, chance=chance, mean_over=over)
        rows.append({"task": task, "representation": name, "accuracy": accuracy, "chance": chance})
    return rows


def _few_shot_record(
    of_episodes: NDArray[np.float64], store: ClipStore, settings: Semantics, task: str, **protocol: Any
) -> dict[str, Any]:
    interval = bootstrap_interval(of_episodes, RESAMPLES, settings.seed)
    return record(
        float(of_episodes.mean()), len(of_episodes), store.split, settings.seed, interval,
        metric=f"few_shot/{task}", label=few_shot_tasks(store)[task][0], queries=5,
        classifier="nearest class mean, cosine", interval_over="episodes", **protocol,
    )  # fmt: skip


def _probes(
    vectors: dict[str, np.ndarray],
    store: ClipStore,
    settings: Semantics,
    fitting: tuple[dict[str, np.ndarray], pandas.DataFrame] | None,
) -> Probes:
    """A probe of each representation for each factor or, without factors, the class. The folds depend on the labels only,
    so the probes of a factor are paired. A factor with a value too rare to stand in every fold is left out."""
    from threadpoolctl import threadpool_limits

    def measured(wanted: tuple[str, str]) -> Probe:
        name, column = wanted
        known = None if fitting is None else (fitting[0][name], fitting[1][column].to_numpy())
        return probe(vectors[name], store.labels[column].to_numpy(), settings.probe_folds, settings.seed, known)

    columns = [name for name in store.labels if name.startswith("factor:")] or ["class"]
    counts = {column: Counter(store.labels[column]).values() for column in columns}
    common = [column for column in columns if len(counts[column]) > 1 and min(counts[column]) >= settings.probe_folds]
    asked = [(name, column) for column in common for name in PROBED if name in vectors]
    # The products are so small that one fit a thread is faster than all threads on one fit.
    with threadpool_limits(1), ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return dict(zip(asked, pool.map(measured, asked), strict=True))


def _fitted_on(settings: Semantics) -> str:
    """In a record's words."""
    if settings.probe_clips:
        return f"the first {settings.probe_clips} training clips"
    return f"the other {settings.probe_folds - 1} of {settings.probe_folds} folds"


def _factor(column: str) -> dict[str, str | None]:
    """Name and kind ("appearance", "motion", None where it is not known) of a column of the labels."""
    factor = column.removeprefix("factor:")
    return {"factor": factor, "kind": KINDS.get(factor)}


def probe_rows(probes: Probes, store: ClipStore, settings: Semantics) -> list[dict[str, Any]]:
    """The disentanglement matrix: how well a linear probe reads each factor from each representation.

    chance: share of the most frequent value. The interval is over clips.
    """
    return [
        {
            "tokens": name,
            **_factor(column),
            "accuracy": record(
                found.accuracy, len(found.correct), store.split, settings.seed,
                bootstrap_interval(found.correct.astype(float), RESAMPLES, settings.seed), metric=f"probe/{name}/{column}",
                fitted_on=_fitted_on(settings), classifier="logistic regression on standardised vectors",
            ),
            "chance": found.chance,
        }
        for (name, column), found in probes.items()
    ]  # fmt: skip


def probe_differences(probes: Probes, store: ClipStore, settings: Semantics) -> list[dict[str, Any]]:
    """Accuracy from spatial minus accuracy from temporal tokens, over the same clips: each factor, then the mean of each
    kind ("all appearance", "all motion"), with the interval over clips."""
    by_clip = {
        column: found.correct.astype(float) - probes["temporal", column].correct
        for (name, column), found in probes.items()
        if name == "spatial" and ("temporal", column) in probes
    }
    shown = [(_factor(column), values) for column, values in by_clip.items()]  # values (clips,), -1 to 1
    for kind in ("appearance", "motion"):
        of_kind = [values for factor, values in shown if factor["kind"] == kind]
        if of_kind:
            shown.append(({"factor": f"all {kind}", "kind": kind}, np.mean(of_kind, axis=0)))
    return [
        {
            **factor,
            "difference": record(
                float(values.mean()), len(values), store.split, settings.seed,
                bootstrap_interval(values, RESAMPLES, settings.seed), metric=f"spatial - temporal/{factor['factor']}",
                fitted_on=_fitted_on(settings), paired="clips", minuend="spatial", subtrahend="temporal",
            ),
        }
        for factor, values in shown
    ]  # fmt: skip
