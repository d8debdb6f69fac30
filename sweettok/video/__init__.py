"""Clips: sources of video, the prepared store, and the order in which training sees them."""

from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore, batches, to_float, to_uint8

__all__ = ["ClipStore", "batches", "prepare", "to_float", "to_uint8"]
