"""A folder that keeps what is measured of each batch: work that can be stopped, and that several processes share."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sweettok.errors import InputError
from sweettok.metrics.reconstruction import Piece, Watch
from sweettok.storage import atomic_file, read_json, write_json

WHAT = "evaluation.json"


class Parts:
    """The parts of one evaluation, a file a batch.

    A batch whose file is there is not measured again. Processes that run at once on the same folder take batches in turn;
    the lock on a batch goes with its process, whatever ends that. Every process gives back the pieces of all batches, so
    all of them come to the numbers of a single one.
    """

    def __init__(self, folder: str | Path, identity: dict[str, Any]) -> None:
        """identity: plain JSON values of all that the pieces depend on. Raises InputError where the folder has those of
        another evaluation, or cannot be written."""
        self.folder = Path(folder)
        there = next(place for place in (self.folder, *self.folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise InputError(f"--parts {there} is a file; name a folder")
        self.folder.mkdir(parents=True, exist_ok=True)
        identity = json.loads(json.dumps(identity))
        with FileLock(self.folder / f".{WHAT}.lock"):
            if not (self.folder / WHAT).exists():
                write_json(self.folder / WHAT, identity)
        there = read_json(self.folder / WHAT)
        if there != identity:
            other = next((key for key in identity if there.get(key) != identity[key]), "version")
            raise InputError(f"{folder} holds parts of another evaluation (it differs in: {other}); give another --parts")

    def collect(self, numbers: Sequence[int], measure: Callable[[int], Piece], watch: Watch) -> list[Piece]:
        """The pieces of all numbers, in their order: read where they are there, else measured and written."""
        for number in watch(numbers):
            self._measured(number, measure, wait=False)
        for number in numbers:  # those that others had in hand: they have finished, or they were stopped
            self._measured(number, measure, wait=True)
        return [self._read(number) for number in numbers]

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.safetensors"

    def _measured(self, number: int, measure: Callable[[int], Piece], wait: bool) -> None:
        path = self._path(number)
        if path.exists():
            return
        try:
            with FileLock(path.with_name(f".{path.stem}.lock"), timeout=-1 if wait else 0):
                if not path.exists():
                    self._write(path, measure(number))
        except Timeout:
            return

    def _write(self, path: Path, piece: Piece) -> None:
        groups = {"scores": piece.scores, "features": piece.features, "sizes": piece.sizes}
        arrays = {f"{group} {name}": values for group, named in groups.items() for name, values in named.items()}
        with atomic_file(path) as partial:
            save_file(arrays | {"shape": np.array(piece.shape)}, partial)

    def _read(self, number: int) -> Piece:
        path = self._path(number)
        try:
            arrays = load_file(path)
            tokens, indices = arrays.pop("shape").tolist()
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path} is damaged; delete it, and run the same command again") from error
        groups: dict[str, dict[str, np.ndarray]] = {"scores": {}, "features": {}, "sizes": {}}
        for key, values in arrays.items():
            group, _, name = key.partition(" ")
            groups[group][name] = values
        return Piece(**groups, shape=(tokens, indices))
