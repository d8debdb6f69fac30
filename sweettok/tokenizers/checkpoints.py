"""Other projects' tokenizers, run from their checkpoints: what all of these adapters share.

Weights are files that params name; they are known by their sha256 and read without running code. A network's code is its
project's own, imported from a checkout that params name: none of it is in this package.
"""

import argparse
import hashlib
import json
import math
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor, nn

from sweettok.errors import InputError, first_line
from sweettok.storage import sha256_of
from sweettok.tokenizers.base import check_input
from sweettok.torchvision_operators import define_missing_operators
from sweettok.weights import fit_state


@dataclass(frozen=True)
class FromCheckpoint(ABC):
    """A network of another project behind the protocol. A subclass says in which range and layout it takes clips.

    network  in evaluation mode
    grid     how many indices a clip has along each axis, as the network lays them out
    codes    how many values an index may have
    """

    name: str
    frames: int
    size: int
    fingerprint: str
    network: nn.Module
    grid: tuple[int, ...]
    codes: int

    @abstractmethod
    def indices_of(self, clip: Tensor) -> Tensor:
        """clip (1, 3, T, H, W) in [-1, 1] -> (1, *grid) whole numbers."""

    @abstractmethod
    def clip_of(self, indices: Tensor) -> Tensor:
        """int64 (1, *grid) -> clip (1, 3, T, H, W); values may leave [-1, 1]."""

    @property
    def bits_per_clip(self) -> float:
        """log2 of the values that an index may have, summed."""
        return math.prod(self.grid) * math.log2(self.codes)

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())

    def to(self, device: str | torch.device) -> Self:
        self.network.to(device)
        return self

    @torch.no_grad()
    def encode(self, clip: Tensor) -> Tensor:
        """clip (B, 3, T, H, W) in [-1, 1] -> int64 (B, indices). Raises ValueError (shape, range).

        One clip at a time: at 256 x 256 some of these networks take gigabytes for each.
        """
        check_input(self, clip)
        indices = torch.cat([self.indices_of(one) for one in clip.split(1)]).long()
        if tuple(indices.shape[1:]) != self.grid or not (indices.min() >= 0 and indices.max() < self.codes):
            found = f"{tuple(indices.shape[1:])} indices in [{indices.min()}, {indices.max()}]"
            raise InputError(
                f"the network gives {found}, expected {self.grid} in [0, {self.codes}); "
                "state the settings that the checkpoint was trained with"
            )
        return indices.flatten(1)

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """int64 (B, indices) -> clips (B, 3, T, H, W), clamped to [-1, 1]. Raises ValueError (their number, their range)."""
        count = math.prod(self.grid)
        if tokens.ndim != 2 or tokens.shape[1] != count:
            raise ValueError(f"{self.name}: expected tokens (B, {count}), got {tuple(tokens.shape)}")
        if not (tokens.min() >= 0 and tokens.max() < self.codes):
            raise ValueError(f"{self.name}: tokens must be in [0, {self.codes}), got [{tokens.min()}, {tokens.max()}]")
        clips = torch.cat([self.clip_of(one.unflatten(1, self.grid)) for one in tokens.split(1)])
        if tuple(clips.shape[2:]) != (wanted := (self.frames, self.size, self.size)):
            raise InputError(
                f"the network gives clips of {tuple(clips.shape[2:])}, expected {wanted}; "
                "state the settings that the checkpoint was trained with"
            )
        return clips.float().clamp(-1, 1)


def check_divisible(frames: int, size: int, first: int, time: int, space: int) -> None:
    """Raise InputError unless frames is first + a multiple of `time`, and size a multiple of `space`."""
    if frames < max(first, 1) or (frames - first) % time:
        rule = f"1 + a multiple of {time}" if first else f"a multiple of {time}"
        nearest = first + max((frames - first) // time, 0 if first else 1) * time
        raise InputError(
            f"clips have {frames} frames, but it takes {rule}; give e.g. --frames {nearest}, or data.frames"
        )
    if size < space or size % space:
        nearest = max(size // space, 1) * space
        raise InputError(
            f"frames are {size}x{size}, but it takes a multiple of {space}; give e.g. --size {nearest}, or data.size"
        )


def check_exactly(frames: int, size: int, wanted_frames: int, wanted_size: int) -> None:
    """Raise InputError unless clips are as long and large as a network was made for."""
    if (frames, size) != (wanted_frames, wanted_size):
        wanted = f"{wanted_frames}x{wanted_size}x{wanted_size}"
        raise InputError(
            f"the checkpoint is for clips of {wanted}, not of {frames}x{size}x{size}; "
            f"give --frames {wanted_frames} --size {wanted_size}, or data.frames and data.size"
        )


def fingerprint_of(*facts: object) -> str:
    """Hex sha256 of facts that JSON can say."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def checked_file(path: str, sha256: str | None) -> Path:
    """A file of that content. Raises InputError (absent, no sha256 stated, another one)."""
    file = Path(path)
    if not file.is_file():
        state = "is a folder" if file.is_dir() else "does not exist"
        raise InputError(f"{path} {state}; give the path of the downloaded file")
    found = sha256_of(file)
    if sha256 is None:
        raise InputError(f"{path}: sha256 is missing; if this is the file that you mean, state sha256: {found}")
    if sha256.lower() != found:
        raise InputError(
            f"{path} has sha256 {found}, expected {sha256}; get the file again, or state that of the file you mean"
        )
    return file


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a .safetensors or torch file holds: tensors, plain containers and argparse's Namespace, of settings.

    Nothing in it is run. Raises InputError where it is damaged or holds other objects.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each reader has its own errors for a file that is not its own
        raise InputError(
            f"{path} cannot be read without running code of it ({first_line(error, 200)}); get the file again, or save its "
            "tensors alone with torch.save"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds {type(content).__name__}, no dict of tensors; check which file it is")
    return content


def part_of(content: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """content[key][key]...; raises InputError where one is absent, or no dict."""
    part: Any = content
    for number, key in enumerate(keys):
        if not isinstance(part, Mapping) or not isinstance(part.get(key), Mapping):
            raise InputError(f"the checkpoint has no {'.'.join(keys[: number + 1])}; check which file it is")
        part = part[key]
    return dict(part)


def settings_of(config: str | Mapping[str, Any]) -> dict[str, Any]:
    """A network's settings: a .json or .yaml file, or what params say in its place. Raises InputError (absent, damaged)."""
    if isinstance(config, Mapping):
        return dict(config)
    path = Path(config)
    if not path.is_file():
        raise InputError(f"{config} does not exist; config is the file of settings that belongs to the weights")
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else _with_references(path)
    except ValueError as error:
        raise InputError(f"{config} cannot be read ({first_line(error, 200)}); get the file again") from error
    if not isinstance(found, dict):
        raise InputError(f"{config} holds no settings by name; check which file it is")
    return found


def _with_references(path: Path) -> Any:
    """A YAML file in which ${a.b} stands for another value."""
    try:
        from omegaconf import OmegaConf
    except ModuleNotFoundError as error:
        raise InputError(f"{path} needs omegaconf, which is not installed; pip install omegaconf") from error
    try:
        return OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except Exception as error:  # yaml's and omegaconf's own
        raise ValueError(first_line(error, 200)) from error


def fill(network: nn.Module, state: Mapping[str, Any], what: str, unused: Sequence[str] = ()) -> None:
    """Put weights into a network, which is for measuring from now on.

    unused: how names begin of what the file may hold beside them, such as a discriminator's.
    Raises InputError with the names that are missing, unknown or misshapen.
    """
    found = {name: tensor for name, tensor in state.items() if not name.startswith(tuple(unused))}
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(fit_state(what, found, expected))
    network.eval().requires_grad_(False)


class Checkout(MetaPathFinder):
    """A folder with another project's code.

    packages  its top-level folders that can be imported, whatever else has these names
    bare      packages whose __init__ is left out, because it imports what only a training needs
    sha256    of the modules that were imported, once `imports` has ended
    """

    def __init__(self, source: str, address: str, packages: Collection[str], bare: Collection[str] = ()) -> None:
        self.folder, self.packages, self.bare, self.sha256 = Path(source).resolve(), packages, bare, ""
        if absent := [name for name in packages if not (self.folder / name).is_dir()]:
            raise InputError(f"{source} has no folder {absent[0]}; source is a checkout: git clone {address}")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in self.bare:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(self.folder.joinpath(*fullname.split(".")))]
            return spec
        return PathFinder.find_spec(fullname, [str(self.folder)]) if fullname in self.packages else None

    @contextmanager
    def imports(self) -> Iterator[None]:
        """In the block, its modules can be imported and its networks built; other modules of the same names come back after it.

        What the code prints goes to stderr. Raises InputError where a package is missing, or where the code fails.
        """
        define_missing_operators()
        hidden = self._take_modules()
        sys.meta_path.insert(0, self)
        try:
            with redirect_stdout(sys.stderr), warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
                warnings.simplefilter("ignore")
                yield
        except InputError:
            raise
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0].replace("_", "-")
            raise InputError(
                f"the code in {self.folder} needs {package}, which is not installed; pip install {package}"
            ) from error
        except Exception as error:  # of code that is not ours: anything
            raise InputError(
                f"the code in {self.folder} cannot build this network ({type(error).__name__}: {first_line(error, 200)}); "
                "check out the version that the checkpoint is of, and check config"
            ) from error
        finally:
            sys.meta_path.remove(self)
            files = sorted(module.__file__ for module in self._take_modules().values() if module.__file__)
            self.sha256 = fingerprint_of([sha256_of(Path(file)) for file in files])
            sys.modules.update(hidden)

    def _take_modules(self) -> dict[str, ModuleType]:
        """The modules under the names of its packages, which are no longer imported after that."""
        names = [name for name in sys.modules if name.partition(".")[0] in self.packages]
        return {name: sys.modules.pop(name) for name in names}
