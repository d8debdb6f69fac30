"""Data sets of numbers, which the workers of a loader import by name."""

import os
import time
from pathlib import Path

import torch
from torch.utils.data import Dataset

from sweettok.errors import InputError


class Squares(Dataset):
    def __getitem__(self, indices):
        return {"indices": indices, "square": indices.double() ** 2}


class Broken(Dataset):
    def __getitem__(self, indices):
        raise InputError("clips.npy is damaged")


class Parents(Dataset):
    """The process that has started the reading one."""

    def __getitem__(self, indices):
        return {"parent": torch.tensor(os.getppid())}


class Noted(Squares):
    """Leaves a file named after each number that was asked for, with the reader's process in it."""

    def __init__(self, folder, seconds=0):
        self.folder, self.seconds = Path(folder), seconds

    def __getitem__(self, indices):
        for number in indices.tolist():
            note = self.folder / f"{number}.partial"
            note.write_text(str(os.getpid()))
            note.rename(self.folder / str(number))
        time.sleep(self.seconds)
        return super().__getitem__(indices)
