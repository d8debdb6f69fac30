"""The kinds of quantisers, and latents for them."""

import torch

KINDS = {
    "union": {},
    "composed": {"lookup": "composed"},
    "all words": {"words": "all"},
    "shuffled": {"words": "shuffled"},
    "shuffled, composed": {"words": "shuffled", "lookup": "composed"},
    "wrong vectors": {"words": "permuted_vectors"},
    "no graph": {"graph": "none"},
    "random graph": {"graph": "random"},
    "learned": {"quantizer": "learned"},
    "fsq": {"quantizer": "fsq"},
    "lfq": {"quantizer": "lfq"},
    "bsq": {"quantizer": "bsq"},
    "residual": {"quantizer": "residual"},
    "factorised": {"quantizer": "factorised"},
    "dual": {"quantizer": "dual"},
}
LEARNED = ("learned", "residual", "factorised")  # codes that follow the latents they stand for


def latents(batch, seed=0, tokens=4):
    return torch.randn(batch, tokens, 24, generator=torch.Generator().manual_seed(seed))
