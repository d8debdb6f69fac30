"""Clips: sources of video, the prepared store, and the order in which training sees them."""
