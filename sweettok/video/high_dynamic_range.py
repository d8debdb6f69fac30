"""Frames of high dynamic range (PQ, HLG) as 8-bit sRGB, by one rule.

Light as ITU-R BT.2100 defines it (HLG: as a display of 1000 cd/m2 shows it), in units of diffuse white, which is 203 cd/m2
(ITU-R BT.2408); BT.2020 primaries become BT.709 ones (ITU-R BT.2087); what is then brighter than white or out of gamut is
clipped; the sRGB curve. So diffuse white is 255 and 18 % grey 118. Metadata of a scene or a display is not used.
"""

from functools import lru_cache

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

WHITE, HLG_PEAK, HLG_GAMMA = 203.0, 1000.0, 1.2  # cd/m2, cd/m2, of the display that HLG is made for
CURVES = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)  # PQ and HLG
REFUSED: dict[int, str] = {  # neither these nor like that of 8-bit video
    ColorTrc.LINEAR: "linear light",
    ColorTrc.LOG: "logarithmic (100:1)",
    ColorTrc.LOG_SQRT: "logarithmic (316:1)",
    ColorTrc.SMPTE428: "that of digital cinema (SMPTE ST 428-1)",
}
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020
_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)


def to_srgb(frame: "av.VideoFrame") -> np.ndarray:
    """A frame whose color_trc is one of CURVES -> uint8 (h, w, 3). Raises ValueError: primaries without a rule."""
    light = _light(frame.color_trc, _white(frame))[frame.to_ndarray(format="gbrp16le")]  # (h, w, 3), red first
    if frame.color_trc == ColorTrc.ARIB_STD_B67:
        light *= (light @ _LUMINANCE)[..., None] ** np.float32(HLG_GAMMA - 1) * np.float32(HLG_PEAK / WHITE)
    if frame.color_primaries in (ColorPrimaries.BT2020, ColorPrimaries.UNSPECIFIED):
        light = light @ _TO_BT709.T
    elif frame.color_primaries != ColorPrimaries.BT709:
        name = ColorPrimaries(frame.color_primaries).name
        raise ValueError(f"high dynamic range with primaries {name} is not read; convert it to BT.2020 or BT.709")
    light = light.clip(0, 1)
    signal = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * signal + 0.5).astype(np.uint8)


def _white(frame: "av.VideoFrame") -> int:
    """Which of the 16-bit values that FFmpeg converts to stands for a signal of 1.

    It brings the limited range to 0..255, and shifts all values up without filling the bits below.
    """
    bits = min(16, max(part.bits for part in frame.format.components))
    if frame.color_range == ColorRange.JPEG or frame.format.is_rgb:
        return (2**bits - 1) << (16 - bits)
    return 255 << 8


@lru_cache
def _light(curve: int, white: int) -> np.ndarray:
    """What each 16-bit value stands for, float32 (65536,): PQ light in units of WHITE, HLG that of the scene in [0, 1].

    white: the value of a signal of 1; those above it are clipped.
    """
    signal = np.minimum(np.arange(2**16) / white, 1)
    if curve == ColorTrc.SMPTE2084:
        root = signal ** (32 / 2523)
        light = (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (8192 / 1305) * 10_000 / WHITE
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return light.astype(np.float32)
