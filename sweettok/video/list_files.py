"""The listing of any data set of files, as its class in params says. Opens no file and needs no torch."""

from pkgutil import resolve_name

from sweettok import params
from sweettok.video.listing import Listing


def list_files(data: params.FileData) -> Listing:
    """The files of `data` by split. Raises InputError as the listing of that data set does."""
    return resolve_name(data.listing)(data)
