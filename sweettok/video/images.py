"""Image files as frames (Pillow)."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from sweettok.video.decode import Unreadable, check_file

ENDINGS = (".jpeg", ".jpg", ".png", ".webp", ".bmp")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # by content; an ImageNet file of ending .JPEG is a PNG


def read_image(path: str | Path) -> np.ndarray:
    """uint8 (H, W, 3): upright as EXIF says, transparent parts composited on black.

    Raises Unreadable: see `check_file`; no image of a known format, truncated, of an absurd size.
    """
    path = Path(path)
    check_file(path, ENDINGS)
    try:
        with Image.open(path, formats=_FORMATS) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                layer = upright.convert("RGBA")
                black = Image.new("RGBA", layer.size, (0, 0, 0, 255))
                upright = Image.alpha_composite(black, layer)
            return np.array(upright.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # Pillow's for damaged files
        raise Unreadable(f"cannot be decoded ({str(error).splitlines()[0].replace(str(path), path.name)})") from error
