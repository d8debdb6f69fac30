"""Weights of published networks: found by path, else downloaded over https, and always known by their sha256.

Finding needs no torch; reading (`load_state`) imports it.
"""

import http.client
import logging
import os
import urllib.error
import urllib.request
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import numpy as np

from sweettok.errors import InputError, first_line
from sweettok.params import WeightsSource
from sweettok.storage import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

PIECE = 1 << 20  # bytes read at once
TIMEOUT = 60  # seconds without a byte
SCHEMES = ("https",)
NOT_HERE = "not here, and download is false"


class MissingWeights(InputError):
    """No usable file for a network: of what, why, and how to get one (the three parts of the message)."""

    def __init__(self, what: str, why: str, how: str):
        super().__init__(f"weights of {what}: {why}; {how}")
        self.what, self.why, self.how = what, why, how


@dataclass(frozen=True)
class PublishedFile:
    """A weights file in circulation.

    name    what it is called; sha256 and url are None where no public source states them
    """

    name: str
    sha256: str | None
    url: str | None


@dataclass(frozen=True)
class WeightsFile:
    """A file on this machine.

    standing  "published": its sha256 is one of the published files';
              "unlisted": another file, whose sha256 the user stated; "unverified": another file, nothing stated
    """

    path: Path
    sha256: str
    standing: Literal["published", "unlisted", "unverified"]

    def label(self, standard: str, otherwise: str) -> str:
        """The name a metric on these weights may carry: `standard` (such as "fvd") only for the published ones."""
        unlisted = f"{standard}/unlisted-{self.sha256[:8]}"
        return {"published": standard, "unlisted": unlisted, "unverified": otherwise}[self.standing]


def cache_folder() -> Path:
    """Where downloads are kept: $SWEETTOK_CACHE, else ~/.cache/sweettok."""
    return Path(os.environ.get("SWEETTOK_CACHE") or Path.home() / ".cache" / "sweettok")


def locate(what: str, published: tuple[PublishedFile, ...], source: WeightsSource) -> WeightsFile:
    """The weights file of `what`: source.path, else the first published file with url and sha256, downloaded.

    A stated source.sha256 must be the file's. Without one, a file of any content is taken by path, and `standing` says
    whether it is a published one. Raises MissingWeights (absent, another sha256, no download allowed or known), and
    InputError where a download fails.
    """
    if source.path is None:
        return _downloaded(what, published, source)
    path = Path(source.path)
    if not path.is_file():
        state = "is a folder" if path.is_dir() else "does not exist"
        raise MissingWeights(what, f"{path} {state}", _how_to_get(published))
    found = sha256_of(path)
    if source.sha256 not in (None, found):
        raise MissingWeights(
            what,
            f"{path} has sha256 {found}, expected {source.sha256}",
            "get the file again, or state the sha256 of the file you mean",
        )
    if found in {file.sha256 for file in published}:
        return WeightsFile(path, found, "published")
    return WeightsFile(path, found, "unlisted" if source.sha256 else "unverified")


def _downloaded(what: str, published: tuple[PublishedFile, ...], source: WeightsSource) -> WeightsFile:
    offered = ((file.name, file.url, file.sha256) for file in published if source.sha256 in (None, file.sha256))
    wanted = [(name, url, sha256) for name, url, sha256 in offered if url and sha256]
    if not wanted:
        raise MissingWeights(what, "no download known", _how_to_get(published))
    name, url, sha256 = wanted[0]
    path = cache_folder() / f"{sha256[:16]}-{name}"
    if not path.is_file():
        if not source.download:
            raise MissingWeights(what, NOT_HERE, _how_to_get(published))
        download(url, path, sha256)
    elif sha256_of(path) != sha256:
        raise MissingWeights(what, f"{path} is damaged (another sha256)", "delete it")
    return WeightsFile(path, sha256, "published")


def _how_to_get(published: tuple[PublishedFile, ...]) -> str:
    files = (
        f"{file.name} (sha256 {file.sha256 or 'not published'}, {file.url or 'no direct link'})" for file in published
    )
    or_download = (
        ", or set download: true, as option --download" if any(file.url and file.sha256 for file in published) else ""
    )
    return (
        f"the published files: {' or '.join(files)}; give path and sha256, as option --weights NAME=PATH{or_download}"
    )


def download(url: str, path: Path, sha256: str) -> None:
    """Fetch `url` into `path`; an interrupted download is continued, and only a file of that sha256 gets the name.

    One process downloads, others wait for it. Raises InputError (not https, no answer, another sha256).
    """
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        with FileLock(f"{path}.lock"):
            if path.is_file():
                return
            _fetch(url, partial)
            if (found := sha256_of(partial)) != sha256:
                partial.unlink()
                raise InputError(f"{url} gave a file of sha256 {found}, expected {sha256}; get the file another way")
            os.replace(partial, path)
    except (OSError, http.client.HTTPException) as error:  # URLError and time-outs are OSErrors
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise InputError(f"cannot download {url} to {path}: {reason}; run again to continue, or set path") from error


def _fetch(url: str, partial: Path) -> None:
    """Append to `partial` what it lacks of `url`."""
    done = partial.stat().st_size if partial.is_file() else 0
    _check_scheme(url)
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing left to send: the partial file is as long as the whole
            return
        raise
    with answer:
        _check_scheme(answer.url)  # where redirects ended
        continues = answer.status == 206
        log.info("downloading %s%s", url, f", from byte {done}" if continues else "")
        expected = answer.headers.get("Content-Length")
        with open(partial, "ab" if continues else "wb") as file:
            before = file.tell()
            while piece := answer.read(PIECE):
                file.write(piece)
            if expected is not None and file.tell() - before < int(expected):  # read() ends quietly
                raise ConnectionError(f"the connection ended after {file.tell()} bytes")


def _check_scheme(url: str) -> None:
    if urlsplit(url).scheme not in SCHEMES:
        raise InputError(f"{url}: weights are downloaded over https only; set path to a file instead")


def load_state(path: str | Path) -> "dict[str, Tensor]":
    """Name -> tensor of a weights file: .safetensors, .npz, TorchScript archive, or a torch state dict.

    Nothing in the file is executed: no pickled objects but tensors and containers, and of a TorchScript archive only
    the parameters and buffers are read. Raises InputError where the file is none of these.
    """
    import torch

    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        if _is_torchscript(path):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # torch.export reads no archives of 2021
                return dict(torch.jit.load(str(path), map_location="cpu").state_dict())
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"weights file {path} does not exist") from error
    except Exception as error:  # each reader has its own errors for a file that is not its own
        raise InputError(f"{path} cannot be read as weights ({first_line(error, 120)}); get the file again") from error
    if isinstance(content, dict) and content and all(isinstance(value, torch.Tensor) for value in content.values()):
        return dict(content)
    raise InputError(f"{path} holds no state dict (names to tensors) but {_shape_of(content)}; save only that")


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.split("/", 1)[-1] == "constants.pkl" for name in archive.namelist())


def _shape_of(content: object) -> str:
    return (
        f"a dict of {', '.join(map(str, list(content)[:4]))}" if isinstance(content, dict) else type(content).__name__
    )


def fit_state(what: str, state: "dict[str, Tensor]", expected: dict[str, tuple[int, ...]]) -> "dict[str, Tensor]":
    """`state` if it has exactly the expected names and shapes.

    Raises InputError with the first missing, unknown and misshapen names.
    """
    missing = [name for name in expected if name not in state]
    unknown = [name for name in state if name not in expected]
    shapes = [
        f"{name} is {tuple(state[name].shape)}, not {shape}"
        for name, shape in expected.items()
        if name in state and tuple(state[name].shape) != tuple(shape)
    ]
    faults = [f"{title} {_some(names)}" for title, names in (("lacks", missing), ("has unknown", unknown)) if names]
    faults += [f"shapes differ: {_some(shapes)}"] if shapes else []
    if faults:
        raise InputError(f"these are not the weights of {what}: the file {', '.join(faults)}; check which file it is")
    return state


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
