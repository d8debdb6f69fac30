"""The listing of any data set of files, by its name in params. Opens no file and needs no torch."""

from collections.abc import Callable, Mapping
from typing import Any

from sweettok import params
from sweettok.video import decode, images
from sweettok.video.folders import list_folders
from sweettok.video.kinetics import list_kinetics
from sweettok.video.listing import Listing
from sweettok.video.ucf101 import list_ucf101

LISTINGS: Mapping[str, Callable[[Any], Listing]] = {
    "video_folder": lambda data: list_folders(data, decode.ENDINGS),
    "ucf101": list_ucf101,
    "kinetics": list_kinetics,
    "image_folder": lambda data: list_folders(data, images.ENDINGS),
    "imagenet": lambda data: list_folders(data, images.ENDINGS),
}


def list_files(data: params.FileData) -> Listing:
    """The files of `data` by split. Raises InputError as the listing of that data set does."""
    return LISTINGS[data.name](data)
