"""A model's folder: what it holds, whether it is whole, whether it may be replaced."""

from pathlib import Path

from safetensors import SafetensorError

from sweettok.errors import InputError, on_one_line
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.storage import sha256_of

SUMS, CARD = "SHA256SUMS", "README.md"
MODEL_FILES = ("model.safetensors", "config.json", "codebook/codebook.safetensors", "codebook/codebook.json")
FILES = (*MODEL_FILES, SUMS, CARD)


def write_checksums(folder: Path) -> None:
    """SHA256SUMS of the model's files, as `sha256sum -c` reads it."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in MODEL_FILES]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def checked_model(folder: str | Path) -> VideoTokenizer:
    """The model of a folder, in eval mode, on the CPU.

    Checked are SHA256SUMS where there is one (the pipeline's folders have none), and the checksums of the weights and
    of the word vectors that config.json and codebook.json state.
    Raises InputError naming the file that is absent, damaged or of another format.
    """
    folder = Path(folder)
    if (folder / SUMS).exists():
        _check_sums(folder)
    try:
        return VideoTokenizer.load(folder)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:  # pydantic's, torch's
        reason = on_one_line(error, 160)
        raise InputError(f"{folder} does not hold a complete model ({reason}); download or export it again") from error


def _check_sums(folder: Path) -> None:
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder / SUMS} cannot be read; download or export the model again") from error
    stated = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in MODEL_FILES:
        if not (folder / name).is_file():
            raise InputError(f"{folder / name} does not exist; download or export the model again")
        if sha256_of(folder / name) != stated.get(name):
            raise InputError(
                f"{folder / name} is damaged (its checksum differs from {SUMS}); download or export the model again"
            )


def check_replaceable(folder: Path) -> None:
    """Raise InputError where `folder` holds anything else than a model: it is going to be replaced whole."""
    if not folder.is_dir():
        return
    known = {Path(name).parts[0] for name in FILES}
    if other := sorted({path.name for path in folder.iterdir()} - known):
        raise InputError(f"{folder} holds {other[0]}, which is not part of a model; choose an empty folder")
