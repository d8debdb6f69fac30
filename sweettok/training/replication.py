"""What seeds train on where some of them replicate: these get clips that the others have not seen."""

from collections.abc import Collection
from pathlib import Path

from sweettok.storage import read_sealed
from sweettok.training.curriculum import TrainingData

FOLDER = Path("outputs/replication")


def training_data(seed: int, replication_seeds: Collection[int]) -> TrainingData:
    """What a cell of this seed trains on. stages/prepare_replication.py has written which clips those that replicate get:

    none    no seed replicates
    own     as many as the others have, drawn for them
    halves  a set of files has no more clips, so each of the two sets of seeds trains on one half

    Raises InputError (no store, proxy or `FOLDER`, or a damaged one).
    """
    clips = read_sealed(FOLDER / "config.json")["clips"]
    if clips == "own" and seed in replication_seeds:
        return TrainingData.load(FOLDER / "data", FOLDER / "proxy")
    data = TrainingData.load("outputs/data", "outputs/proxy")
    return data.share(int(seed in replication_seeds), 2) if clips == "halves" else data
