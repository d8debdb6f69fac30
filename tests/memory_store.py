"""A split of clips in memory, with all that measuring uses of a ClipStore."""

import numpy as np
import pandas
import torch

from sweettok.video.store import to_float, to_uint8


class MemoryStore:
    """clips (n, 3, T, H, W) in [-1, 1], rounded to bytes as a store does; labels (n,) of classes named class0, class1, ...

    factors: name -> the value in each clip.
    """

    def __init__(self, clips, labels, split, **factors):
        self._frames, self.split = to_uint8(clips), split
        self.frames, self.size = self._frames.shape[1:3]
        self.classes = [f"class{number}" for number in range(max(labels) + 1)]
        columns = {f"factor:{name}": values for name, values in factors.items()}
        names = {"class": [self.classes[label] for label in labels], "label": list(labels)}
        self.labels = pandas.DataFrame(names | columns)
        self.fingerprint = split * 8
        self.read = []  # the numbers of each reading

    def __len__(self):
        return len(self._frames)

    def clips(self, indices):
        return to_float(self.pixels(indices))

    def pixels(self, indices):
        rows = np.asarray(indices)
        self.read.append(rows.tolist())
        return torch.from_numpy(self._frames[rows])


def random_store(count, split, classes=2, clip=(5, 16), seed=0, **factors):
    """A store of noise, its classes in turn."""
    frames, size = clip
    noise = torch.rand(count, 3, frames, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return MemoryStore(noise, [number % classes for number in range(count)], split, **factors)
