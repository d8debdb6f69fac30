"""A profile's text: what differs from profile sprites, and why."""

import json
from pathlib import Path

from sweettok.errors import counted
from sweettok.own_clips.choices import Choices
from sweettok.own_clips.survey import Survey
from sweettok.params import RandomSplit, TimeSplit

# The steps of profile cctv, which has as many clips as a folder of one's own, and a tenth of them for a first look.
STEPS = {
    "judge": 300,
    "proxy": 1200,
    "train_spatial": 200,
    "train_joint": 700,
    "finetune_pixels": 150,
    "generator": 300,
}
FAST_STEPS = {
    "judge": 100,
    "proxy": 200,
    "train_spatial": 40,
    "train_joint": 120,
    "finetune_pixels": 40,
    "generator": 60,
}
CHECKED_AT = {False: 200, True: 50}  # steps between checkpoints, and validations; whether fast


def profile_text(
    name: str, survey: Survey, choices: Choices, captions: Path | None, words: Path | None, fast: bool
) -> str:
    """The YAML, comments first. captions, words: files for data.captions and codebook.captions; None: there is none."""
    steps = FAST_STEPS if fast else STEPS
    parts = [_head(name, survey, choices, fast), _data(survey, choices, captions), _words(words)]
    parts.append(f"patches: {{spatial: {choices.size // 8}}}  # a grid of 8 x 8, as in the base")
    parts += [_training(stage, number, survey.images, fast) for stage, number in steps.items()]
    parts.append(_evaluation(survey, choices, fast))
    return "\n".join(filter(None, parts)) + "\n"


def _head(name: str, survey: Survey, choices: Choices, fast: bool) -> str:
    kind = "image" if survey.images else "video"
    rate = f" at {survey.rate:.3g} a second" if survey.rate else ""
    median = f"{survey.shorter_side} pixels on the shorter side" + (
        "" if survey.images else f", {survey.length} frames{rate}"
    )
    clips = ", ".join(f"{count:,} {split}" for split, count in choices.clips.items())
    unusable = f" {len(survey.unusable)} more cannot be used." if survey.unusable else ""
    lines = [
        f"# {name}: {counted(len(survey.files), kind)} in {counted(len(survey.classes), 'class')}; median: {median}.{unusable}",
        f"# Command: sweettok profile {name} && {next_step(survey)}. Clips: {clips}.",
        "# Written by `sweettok new`, yours to change: docs/add-a-dataset.md says what each key means."
        + (" Few steps: a first look, not a result." if fast else ""),
    ]
    return "\n".join([*lines, f"profile: {name}", "base: sprites", ""])


def next_step(survey: Survey) -> str:
    """What to run with the profile: images have no joint training, hence no stage after the three trainings."""
    return "dvc repro finetune_pixels" if survey.images else "dvc repro && sweettok report"


def _data(survey: Survey, choices: Choices, captions: Path | None) -> str:
    limits = ", ".join(f"{split}: {'null' if limit is None else limit}" for split, limit in choices.limits.items())
    lines = [
        f"name: {'image_folder' if survey.images else 'video_folder'}",
        f"root: {json.dumps(str(survey.root), ensure_ascii=False)}",
        f"clips: {{{limits}}}  # null: all available",
        f"frames: {choices.frames}",
        f"size: {choices.size}",
        "seed: 0",
        "clips_per_shard: null",
        "shorter_side: null",
        "crop: centre",
        f"views: {choices.views}  # looks at each training clip: nearer, elsewhere, mirrored",
        f"captions: {json.dumps(str(captions)) if captions else 'null  # the name of the class'}",
        f"max_skipped: {choices.max_skipped}" + ("" if choices.max_skipped <= 0.01 else "  # unusable or too short"),
        f"split: {_split(choices)}  # {choices.split_reason}",
    ]
    if windows := choices.windows:
        rate = f", {survey.rate / windows.stride:.3g} frames a second" if survey.rate else ""
        text = f"{{stride: {windows.stride}, every: {windows.every}, start: {windows.start}}}"
        lines.append(
            f"windows: {text}  # {_kept_frames(windows.stride)}{rate}; a clip starts every {counted(windows.every or 1, 'frame')}"
        )
    return "\n".join(["data: !replace", *(f"  {line}" for line in lines)])


def _kept_frames(stride: int) -> str:
    return "every frame" if stride == 1 else "every second frame" if stride == 2 else f"one frame in {stride}"


def _split(choices: Choices) -> str:
    split = choices.split
    shares = f"val: {split.val}, test: {split.test}"
    if isinstance(split, RandomSplit):
        return f"{{by: random, {shares}}}"
    if isinstance(split, TimeSplit):
        return f"{{by: time, {shares}, gap: {split.gap}}}"
    return f"{{by: group, pattern: '{split.pattern}', {shares}}}"


def _words(words: Path | None) -> str:
    if words is None:
        return "codebook: {captions: null}  # the clips' captions have enough words"
    return "# The clips' captions have too few words for a codebook: theirs, and those of the procedural world.\n" + (
        f"codebook: {{captions: {json.dumps(str(words))}}}"
    )


def _training(stage: str, steps: int, images: bool, fast: bool) -> str:
    every = CHECKED_AT[fast]
    optimiser = f"steps: {steps}, warmup: {min(50, steps // 5)}, checkpoint_every: {every}, validate_every: {every}"
    if images and stage == "train_joint":
        return f"{stage}: {{clips: images, trains: [spatial, decoder], optimiser: {{steps: 0, warmup: 0}}}}  # needs videos"
    if images and stage == "finetune_pixels":
        return f"{stage}: {{clips: images, optimiser: {{{optimiser}}}}}"
    return f"{stage}:\n  optimiser: {{{optimiser}}}"


def _evaluation(survey: Survey, choices: Choices, fast: bool) -> str:
    """Settings that small test splits allow."""
    test = choices.clips["test"]
    batch = min(32, test)
    lines = [
        f"evaluate_reconstruction: {{batch_size: {min(16, test)}}}",
        "metrics: {sizes: []}",
        f"sampling: {{samples: {min(128, 2 * test)}, batch_size: {batch}, guidance: [1.0, 2.0], choice_samples: {batch}}}",
        "semantics: {ways: [2], shots: [1], episodes: 50, probe_folds: 2, probe_clips: 0}",
        "ablation:",
        "  matrix: {variants: [full, downsample], seeds: [0]}  # one seed decides no claim",
        f"  schedule: {{spatial_steps: {20 if fast else 50}, joint_steps: {60 if fast else 250}, pixel_steps: 20}}",
    ]
    if survey.images:
        lines += [
            "codecs:",
            "  h264: [{crf: 45, time: 1, space: 2}, {crf: 39, time: 1, space: 1}]",
            "  av1: [{crf: 55, time: 1, space: 2}, {crf: 50, time: 1, space: 1}]",
        ]
    elif choices.frames < 17:  # the base's lowest rates keep each 16th frame
        lines += [
            "codecs:",
            "  h264: [{crf: 45, time: 4, space: 2}, {crf: 39, time: 1, space: 1}]",
            "  av1: [{crf: 55, time: 4, space: 2}, {crf: 55, time: 1, space: 1}]",
        ]
    return "\n".join(lines)
