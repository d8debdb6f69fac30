"""Image files as frames (Pillow), animated ones (PNG, WebP) too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sweettok.errors import counted, refusal
from sweettok.video.formats import IMAGES, Unreadable, check_file
from sweettok.video.image_integrity import check_whole_image
from sweettok.video.timing import is_even

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # by content; an ImageNet file of ending .JPEG is a PNG
_ANIMATED = ("PNG", "WEBP")  # of other formats with several pictures, as phones write them, the first is the photograph


@dataclass(frozen=True)
class ImageIndex:
    """How many frames a file has, at what mean rate a second (None: a still image), and whether at equal distances."""

    frames: int
    rate: Fraction | None
    even: bool


def image_index(path: str | Path) -> ImageIndex:
    """Count an image's frames by decoding all of them.

    Raises Unreadable: see `check_file`; no image of a known format, truncated, of an absurd size, of values without a range.
    """
    times = [milliseconds for _, milliseconds in _shown(Path(path))]
    if len(times) == 1:
        return ImageIndex(1, None, True)
    rate = Fraction(1000 * len(times) / sum(times)).limit_denominator(1_000_000) if sum(times) else None
    starts = np.cumsum([0, *times[:-1]])
    return ImageIndex(len(times), rate, is_even(starts, 1e-3))


def read_images(path: str | Path, start: int, count: int, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Frames start .. start + count - 1 as `change` makes them, uint8 (count, H, W, 3). Raises Unreadable."""
    frames = [change(pixels) for pixels, _ in islice(_shown(Path(path)), start, start + count)]
    if len(frames) < count:
        raise Unreadable(f"has {counted(start + len(frames), 'frame')}, frame {start + count - 1} was asked for")
    return np.stack(frames)


def read_image(path: str | Path) -> np.ndarray:
    """A still image, uint8 (H, W, 3): upright as EXIF says, transparent parts composited on black, 16 bits rounded to 8.

    Raises Unreadable: as `image_index`; an animation.
    """
    frames = [pixels for pixels, _ in islice(_shown(Path(path)), 2)]
    if len(frames) > 1:
        raise Unreadable("is an animation; expected a still image")
    return frames[0]


def _shown(path: Path) -> Iterator[tuple[np.ndarray, float]]:
    """Each frame of a file, uint8 (H, W, 3), and for how many milliseconds it is shown."""
    check_file(path, IMAGES)
    check_whole_image(path)
    try:
        with Image.open(path, formats=_FORMATS) as image:
            _scale_transparent_colour(image, path)
            count = getattr(image, "n_frames", 1) if image.format in _ANIMATED else 1
            first = int(count > 1 and getattr(image, "default_image", False))  # for readers that know no animations
            for number in range(first, count):
                if number:
                    image.seek(number)
                pixels = _rgb(image)
                yield pixels, float(image.info.get("duration") or 0)
    except PermissionError as error:
        raise Unreadable(f"cannot be read: {refusal(error, 'check the disk')}") from error
    except (OSError, EOFError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow's for damage
        reason = (str(error).splitlines() or ["truncated"])[0].replace(str(path), path.name)
        raise Unreadable(f"cannot be decoded ({reason})") from error


def _scale_transparent_colour(image: Image.Image, path: Path) -> None:
    """Give a PNG's transparent colour the depth of the decoded pixels: Pillow leaves it as the file has it.

    Raises ValueError: 16-bit RGB, which Pillow decodes to 8 bits, so that neighbours of the colour would match too.
    """
    colour = image.info.get("transparency")
    if image.format != "PNG" or colour is None or image.mode not in ("L", "RGB"):  # others match as they are
        return
    with path.open("rb") as file:
        depth = file.read(25)[24]  # bits a sample, in the header
    if depth == 16:
        raise ValueError("its transparent colour has 16 bits a channel; save it with an alpha channel")
    highest = 2**depth - 1  # PNG: bits above the depth do not count
    scaled = tuple((value & highest) * 255 // highest for value in ((colour,) if image.mode == "L" else colour))
    image.info["transparency"] = scaled[0] if image.mode == "L" else scaled


def _rgb(image: Image.Image) -> np.ndarray:
    """uint8 (H, W, 3) of a picture of any mode. Raises ValueError: a mode whose values have no range."""
    upright = ImageOps.exif_transpose(image)
    clear = upright.info.get("transparency")
    if upright.mode.startswith("I;16"):
        values = np.asarray(upright).astype(np.uint32)
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        grey[values == (clear if isinstance(clear, int) else -1)] = 0
        return np.repeat(grey[..., None], 3, axis=-1)
    if upright.mode in ("I", "F"):
        raise ValueError(f"its values (mode {upright.mode}) have an unknown range; save it with 8 or 16 bits")
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer)
    return np.array(upright.convert("RGB"))
