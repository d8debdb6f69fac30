"""`sweettok generate`: new clips of named classes, from the prior over tokens."""

import argparse
import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_existing, add_json, add_model, existing, invalid_option, open_model
from sweettok.commands.files import check_free
from sweettok.errors import InputError, one_line

if TYPE_CHECKING:
    from sweettok.api.model import SweetTok
    from sweettok.generation.prior import Prior
    from sweettok.params import SamplingSettings

GENERATOR, NAMES = "outputs/generator", "outputs/data/store.json"
AT_ONCE = 64  # clips
# How to draw where no evaluation of the generator has chosen
UNCHOSEN: dict[str, Any] = {"guidance": 2.5, "temperature": 0.9, "top_k": 0, "top_p": 1.0}


def add(commands: Any) -> None:
    """Add the subcommand to a parser's."""
    generate = commands.add_parser("generate", help="generate new clips of the classes that the generator knows")
    generate.add_argument(
        "--class", dest="classes", action="append", metavar="NAME",
        help="name or number of a class (repeatable; default: all)",
    )  # fmt: skip
    generate.add_argument("--count", type=_positive(int), default=1, help="clips of each class (default: 1)")
    generate.add_argument("--seed", type=int, default=0, help="the same seed gives the same clips (default: 0)")
    generate.add_argument("-o", "--output", default="generated", metavar="FOLDER", help="default: generated")
    generate.add_argument("--format", choices=("mp4", "mkv", "gif", "png"), default="mp4")
    generate.add_argument("--fps", type=_positive(Fraction), default=Fraction(8), help="frames per second (default: 8)")
    add_existing(generate)
    generate.add_argument("--generator", default=GENERATOR, metavar="FOLDER", help=f"default: {GENERATOR}")
    generate.add_argument(
        "--class-names", default=NAMES, metavar="FILE",
        help=f"JSON file with `classes` in the generator's order (default: {NAMES})",
    )  # fmt: skip
    chosen = "default: as its evaluation chose, else"
    generate.add_argument(
        "--guidance",
        type=float,
        help=f"strength of guidance towards the class; 1: none ({chosen} {UNCHOSEN['guidance']})",
    )
    generate.add_argument("--temperature", type=_positive(float), help=f"{chosen} {UNCHOSEN['temperature']}")
    generate.add_argument("--top-k", type=int, help=f"sample from the k most likely words ({chosen} 0, all)")
    generate.add_argument(
        "--top-p", type=float, help=f"sample from the most likely words with this total probability ({chosen} 1)"
    )
    add_model(generate)
    add_json(generate)
    generate.set_defaults(run=_generate)


def _positive(kind: type) -> Any:
    def positive(text: str) -> Any:
        try:
            value = kind(text)
        except ZeroDivisionError as error:
            raise ValueError from error
        if not value > 0:
            raise ValueError
        return value

    positive.__name__ = f"positive {kind.__name__}"  # argparse names it in its message
    return positive


def _generate(chosen: argparse.Namespace) -> None:
    from sweettok.api.token_file import MOST
    from sweettok.api.writing import write_frames
    from sweettok.generation.prior import Prior
    from sweettok.progress import MINUTE, progress
    from sweettok.video.store import to_uint8

    if not 0 <= chosen.seed <= MOST:
        raise InputError(f"--seed {chosen.seed}: expected a number from 0 to {MOST}")
    prior, model = Prior.load(chosen.generator), open_model(chosen)
    _check_pair(prior, model, chosen.generator)
    wanted = _labels(chosen.classes, _class_names(chosen.class_names, prior.config.classes), prior.config.classes)
    folder, ending = Path(chosen.output), chosen.format
    jobs = [
        (label, folder / f"{name}-seed{chosen.seed}-{number}.{ending}")
        for label, name in wanted.items() for number in range(chosen.count)
    ]  # fmt: skip
    missing = {path for _, path in jobs if check_free(path, existing(chosen))}
    settings = _settings(chosen, len(jobs))
    drawn = _clips(prior, model, [label for label, _ in jobs], settings)
    clips = progress(drawn, "generate", len(jobs), unit="clip", delay=MINUTE)
    for clip, (_, path) in zip(clips, jobs, strict=True):  # all are drawn: a clip depends on those before it
        if path not in missing:
            continue
        write_frames(path, to_uint8(clip[None])[0], chosen.fps)
        if not chosen.json:
            clips.write(one_line(path))
    if chosen.json:
        outputs = [{"class": wanted[label], "output": str(path)} for label, path in jobs]
        print(
            json.dumps(
                {"outputs": outputs, "sampling": settings.model_dump(mode="json"), "model": model.model_id}, indent=1
            )
        )


def _settings(chosen: argparse.Namespace, clips: int) -> "SamplingSettings":
    import pydantic

    from sweettok.params import SamplingSettings

    evaluated = _evaluated(Path(chosen.generator).parent / "generation" / "summary.json")
    asked = {name: getattr(chosen, name) for name in UNCHOSEN if getattr(chosen, name) is not None}
    try:
        return SamplingSettings(**UNCHOSEN | evaluated | asked, samples=clips, batch_size=AT_ONCE, seed=chosen.seed)
    except pydantic.ValidationError as invalid:
        raise invalid_option(invalid.errors()) from invalid


def _evaluated(summary: Path) -> dict[str, Any]:
    """How the evaluation beside the generator's folder has sampled; nothing where there is none."""
    from sweettok.storage import read_json

    content = read_json(summary) if summary.is_file() else {}
    sampling = content.get("sampling") if isinstance(content, dict) else None
    return {name: value for name, value in sampling.items() if name in UNCHOSEN} if isinstance(sampling, dict) else {}


def _clips(prior: "Prior", model: "SweetTok", labels: list[int], settings: "SamplingSettings") -> Any:
    """Clips (3, T, H, W) of the labels, one after another. On the CPU they depend on seed, labels and nothing else."""
    import torch

    from sweettok.generation.sampling import sample

    prior.to(model.device)
    generator = torch.Generator().manual_seed(settings.seed)
    for part in torch.tensor(labels).split(settings.batch_size):
        yield from model.decode(sample(prior, part.to(model.device), settings, generator))


def _check_pair(prior: "Prior", model: "SweetTok", folder: str) -> None:
    """The prior's tokens must be the model's; a model trained anew with the same words passes."""
    if prior.config.layout != model.layout(model.frames):
        raise InputError(
            f"{folder} draws tokens that --model cannot decode; give the model that the generator was trained on"
        )


def _class_names(file: str, classes: int) -> list[str]:
    """Names of the prior's classes; their numbers where no file tells."""
    from sweettok.storage import read_json

    if not Path(file).is_file() and file == NAMES:
        return [f"class{number}" for number in range(classes)]
    content = read_json(file)
    names = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(names, list) or len(names) != classes:
        raise InputError(
            f"{file} does not name the {classes} classes of the generator; give --class-names a file that does"
        )
    return [str(name) for name in names]


def _labels(asked: list[str] | None, names: list[str], classes: int) -> dict[int, str]:
    """Label -> name of the classes asked for, each once."""
    labels = {}
    for name in asked or names:
        number = names.index(name) if name in names else int(name) if name.isdecimal() else classes
        if number >= classes:
            raise InputError(f"unknown class {name!r}; choose from {', '.join(names)}")
        labels[number] = names[number]
    return labels
