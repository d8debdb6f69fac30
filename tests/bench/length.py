"""Quality against length: clips coded in one go, and as a chain of windows."""

import torch
from torch import Tensor

from sweettok.metrics.fidelity import psnr
from sweettok.models.long_video import decode_long, encode_long
from sweettok.models.tokenizer import VideoTokenizer


def psnr_by_length(
    tokenizer: VideoTokenizer, clips: Tensor, lengths: list[int], overlaps: list[int]
) -> list[dict[str, float]]:
    """Mean PSNR (dB) of the first `length` frames of clips (B, 3, T, H, W), a row a length.

    A row: frames; psnr_one_go (`VideoTokenizer.at_length`); psnr_overlap_N, a chain of windows with N frames in common;
    tokens_one_go and tokens_overlap_N, what a clip costs. Raises ValueError (a length that is not 1 + k p_t).
    """
    rows = []
    for length in lengths:
        shown = clips[:, :, :length]
        if shown.shape[2] != length:
            raise ValueError(f"expected clips of at least {length} frames, got {shown.shape[2]}")
        whole = tokenizer.at_length(length)
        tokens = whole.encode(shown)
        row = {"frames": length, "psnr_one_go": _mean_psnr(shown, whole.decode(tokens))}
        row["tokens_one_go"] = tokens.shape[1]
        for overlap in overlaps:
            chains = [list(encode_long(tokenizer, clip.unbind(1), overlap)) for clip in shown]
            chained = [torch.stack(list(decode_long(tokenizer, chain, overlap)), dim=1) for chain in chains]
            row[f"psnr_overlap_{overlap}"] = _mean_psnr(shown, torch.stack(chained))
            row[f"tokens_overlap_{overlap}"] = sum(window.tokens.shape[1] for window in chains[0])
        rows.append(row)
    return rows


def _mean_psnr(clips: Tensor, reconstructions: Tensor) -> float:
    return psnr(clips, reconstructions).mean().item()
