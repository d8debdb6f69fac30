"""The model card: made from the model and the run's numbers, nothing typed by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from sweettok.errors import InputError
from sweettok.metrics.reconstruction import code_size
from sweettok.metrics.record import flatten_records
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.storage import read_json, sha256_of

PREFIXES = ("reconstruction.sweettok.", "generation.")  # of the run's numbers, those that are about this model
Metrics = Mapping[str, float] | str | Path | None


def numbers_of(reconstruction: Mapping[str, Any], generation: Mapping[str, Any]) -> dict[str, float]:
    """The model's numbers in the summaries of both evaluations, by the names they have in metrics.json."""
    usage = {
        f"reconstruction.sweettok.usage.{group}": health["usage"]
        for group, health in (reconstruction["codebook"] or {}).items()
    }
    measured = {"reconstruction": {"sweettok": reconstruction["metrics"]}, "generation": generation["metrics"]}
    return flatten_records(measured) | usage


def model_card(model: VideoTokenizer, model_id: str, data: ModelCardData, metrics: Metrics) -> ModelCard:
    """A card with what the model is, how it is used, and how good it is.

    metrics: the run's numbers by name (`numbers_of`), or its metrics.json.
    Raises InputError where that file is absent or damaged, or nothing in it is about this model.
    """
    code, clip = code_size(model), f"{model.frames} x {model.size} x {model.size}"
    words = {name: quantizer.size for name, quantizer in model.quantizers.items()}
    facts = {
        "clip (frames x height x width)": clip,
        "architecture": model.config.architecture,
        "parameters": f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        "tokens a clip": ", ".join(f"{count} {name}" for name, count in model.groups.items()),
        "indices, bits a clip": f"{code['indices']}, {code['bits']:.1f}",
        "codebook": ", ".join(f"{count} {name} {_kind(model)}" for name, count in words.items()),
        "word vectors": f"{model.codebook.provider}, from {model.codebook.captions:,} captions",
        "weights sha256": f"`{model_id}`",
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    text = f"""---
{data.to_yaml()}
---

# SweetTok, {clip}

A video tokenizer with decoupled spatial and temporal queries and a codebook made of words, trained by SweetTok-bench, a
reproduction of [arXiv 2412.10443](https://arxiv.org/abs/2412.10443). These are not the authors' weights.

| | |
|---|---|
{rows}

## Use

```python
from sweettok import SweetTok

tok = SweetTok.from_pretrained("this folder, or its name on the hub")
tok.encode_video("clip.mp4").save("clip.swt")
```

## Numbers

{_numbers(metrics)}
"""
    return ModelCard(text)


def _kind(model: VideoTokenizer) -> str:
    return "words" if model.config.quantizer == "language" else "learned codes"


def _numbers(metrics: Metrics) -> str:
    if metrics is None:
        return "None were given when this folder was written."
    if isinstance(metrics, Mapping):
        content, source = metrics, "the run"
    else:
        content, source = read_json(metrics), f"the run's `{Path(metrics).name}` (sha256 `{sha256_of(metrics)}`)"
    found = (
        {name: value for name, value in content.items() if name.startswith(PREFIXES)}
        if isinstance(content, Mapping)
        else {}
    )
    if not found:
        given = "metrics" if isinstance(metrics, Mapping) else metrics
        raise InputError(
            f"{given} has no metric that begins with {' or '.join(PREFIXES)}; give the metrics.json of a report"
        )
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in found.items())
    return f"""From {source}, on the run's test clips.
Distances on a `judge` are on this project's own feature network and share no scale with FVD, FID or LPIPS.

| metric | value |
|---|--:|
{rows}"""
