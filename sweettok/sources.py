"""What params name outside the project (films, captions, names of classes, weights of words), and whether it has changed.

DVC cannot watch these places itself: a null is no path, and hashing hundreds of gigabytes before every run is too dear.
So stage list_sources, which always runs, writes a fingerprint of each, and the stages that read them depend on it.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from sweettok.params import Codebook, Data, FileData
from sweettok.storage import read_json, sha256_of, write_json

Watch = Literal["times", "contents"]
PLACES = ("root", "captions", "class_names", "provider_path")  # keys of params that may name one


def write_sources(path: str | Path, section: Data | Codebook) -> list[str]:
    """Write the fingerprints of what a section of params names: key -> `fingerprint`. Returns what has gone.

    What has gone keeps the fingerprint that it had: clips that were prepared from a disk that is not mounted now, or on
    another machine, are still those of the params. What was never here (a name on the hub, a mistake) has none, and
    its stage says what is wrong.
    """
    watch = section.watch if isinstance(section, FileData) else "times"
    named = {key: Path(value).expanduser() for key in PLACES if (value := getattr(section, key, None)) is not None}
    absent = {key: place for key, place in named.items() if not place.exists()}
    former = read_json(path) if absent and Path(path).is_file() else {}
    found = {key: former.get(key) if key in absent else fingerprint(place, watch) for key, place in named.items()}
    write_json(path, found)
    return [f"{key} {place}" for key, place in absent.items() if found[key]]


def fingerprint(path: Path, watch: Watch = "times") -> dict[str, Any]:
    """Number of files, their bytes, and a sha256 that changes with them. The same files at another place have the same.

    path    a file, known by its bytes; or a folder, known by all names below it and what `watch` says of each file
    watch   "times": its size and when it was last written; "contents": its bytes
    """
    if not path.is_dir():
        return {"files": 1, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    digest, files, size = hashlib.sha256(), 0, 0
    for entry in _below(path):
        facts = [os.path.relpath(entry, path)]
        if entry.is_symlink():
            facts.append(os.readlink(entry))
        if entry.is_file():
            status = entry.stat()
            files, size = files + 1, size + status.st_size
            facts += [f"{status.st_size} {status.st_mtime_ns}"] if watch == "times" else [sha256_of(entry)]
        digest.update(b"".join(os.fsencode(fact) + b"\0" for fact in facts) + b"\n")
    return {"files": files, "bytes": size, "sha256": digest.hexdigest()}


def _below(folder: Path) -> Iterator[Path]:
    """All files, folders and links, in one order on every machine. Raises OSError where a folder cannot be listed."""

    def refuse(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted([*folders, *names]):
            yield Path(place, name)
