"""Resumable state of a training, and saved modules.

A checkpoint holds everything the next step depends on (weights, average, optimisers, step, history) and a hash of what
it was made from. It lives beside the stage's output, outside DVC, and is deleted when the stage ends.
"""

import glob
import hashlib
import io
import json
import logging
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from sweettok.models.tokenizer import load_checked
from sweettok.storage import atomic_directory, atomic_file, read_sealed, sha256_of, write_sealed

log = logging.getLogger(__name__)
FORMAT = 3  # of what a checkpoint holds: raised where that changes
DIGEST = 32  # bytes of SHA-256 at a checkpoint's end


def hash_of(content: Any) -> str:
    """SHA-256 of anything JSON can say, independent of key order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


class Checkpoint:
    """`path` holds the newest state of the training that `identity` (a hash of params, data and inputs) describes."""

    def __init__(self, path: str | Path, identity: str) -> None:
        self.path, self.identity = Path(path), identity

    def load(self) -> dict[str, Any] | None:
        """The saved state, or None (with a line in the log) where there is none, or it is damaged or of another run."""
        if not self.path.exists():
            return None
        try:
            content = self.path.read_bytes()
            archive, digest = content[:-DIGEST], content[-DIGEST:]
            if hashlib.sha256(archive).digest() != digest:
                raise ValueError("its checksum differs")
            state = torch.load(io.BytesIO(archive), weights_only=True, map_location="cpu")
        except Exception as error:  # any damage means the same: start afresh
            log.warning("checkpoint %s is unreadable (%s); starting afresh", self.path, type(error).__name__)
            return None
        if not isinstance(state, dict) or not {"identity", "step"} <= state.keys():
            log.warning("checkpoint %s is no checkpoint of ours; starting afresh", self.path)
            return None
        if state.get("format") != FORMAT:
            log.warning("checkpoint %s was written by another version; starting afresh", self.path)
            return None
        if state["identity"] != self.identity:
            log.warning("checkpoint %s belongs to other params or data; starting afresh", self.path)
            return None
        log.info("resuming from %s at step %d", self.path, state["step"])
        return state

    def save(self, state: dict[str, Any]) -> None:
        with atomic_file(self.path) as temporary:
            torch.save(state | {"identity": self.identity, "format": FORMAT}, temporary)
            digest = bytes.fromhex(sha256_of(temporary))
            with temporary.open("ab") as file:  # torch checks the length of its zip archive, not the bytes in it
                file.write(digest)

    def diverged(self, rank: int) -> Path:
        """Where a process keeps the step at which its training diverged."""
        return self.path.with_name(f"{self.path.stem}.diverged-{rank}.pt")

    def delete(self) -> None:
        for path in (self.path, *self.path.parent.glob(f"{glob.escape(self.path.stem)}.diverged-*.pt")):
            path.unlink(missing_ok=True)


def save_module(folder: str | Path, module: nn.Module, config: dict[str, Any], history: list[dict]) -> None:
    """Write a module to `folder`, all or nothing."""
    with atomic_directory(folder) as partial:
        write_module(partial, module, config, history)


def write_module(folder: Path, module: nn.Module, config: dict[str, Any], history: list[dict]) -> None:
    """Write model.safetensors, config.json (with the weights' sha256) and history.csv into an existing folder."""
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, folder / "model.safetensors")
    write_sealed(folder / "config.json", config | {"sha256": sha256_of(folder / "model.safetensors")})
    write_history(folder / "history.csv", history)


def load_weights(folder: str | Path, module: nn.Module) -> dict[str, Any]:
    """Fill `module` from `folder`, set it to eval, and return the config. Raises InputError (absent, damaged)."""
    config = read_sealed(Path(folder) / "config.json")
    module.load_state_dict(load_checked(Path(folder) / "model.safetensors", config["sha256"]))
    module.eval()
    return config


def write_history(path: Path, history: list[dict]) -> None:
    """Logged rows -> CSV, all or nothing; a metric a row lacks is blank. A training of no steps has a heading only."""
    import pandas

    with atomic_file(path) as temporary:
        pandas.DataFrame(history or {"step": [], "split": []}).to_csv(temporary, index=False, float_format="%.6g")
