"""A small autoregressive prior that trains along with the tokenizer, as LARP's does (arXiv 2410.21264)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sweettok.models.attention import AttentionLayer
from sweettok.models.quantized import Quantized
from sweettok.params import Tokenizer

DEPTH = 2  # layers; of LARP's, which has 12 of width 768 beside a tokenizer of 12, as small beside ours


class TokenPrior(nn.Module):
    """How badly each token is guessed from those before it: nats an index, with gradients to the prior and the encoder.

    It reads what the decoder reads, z_q, whose straight-through gradient tells the encoder which tokens would be easier
    to guess. Nothing of it is left after training. LARP also feeds it guesses of its own (two rounds of scheduled
    sampling); here it reads the true tokens alone.

    Args:
        slots: of each token group, (first code, number of codes) of each index of a token.
        tokens: of all groups together.
    """

    def __init__(self, tokenizer: Tokenizer, slots: list[list[tuple[int, int]]], tokens: int) -> None:
        super().__init__()
        t, self.slots = tokenizer, slots
        self.start = nn.Parameter(torch.zeros(t.width))
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, t.width))
        self.layers = nn.Sequential(*(AttentionLayer(t.width, t.heads, t.expansion, causal=True) for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(t.width)
        counts = [sum(count for _, count in of_group) for of_group in slots]
        self.heads = nn.ModuleList(nn.Linear(t.width, count) for count in counts)

    def forward(self, groups: list[Quantized]) -> Tensor:
        """The groups of a clip, (B, N) or (B, N, slots) indices each -> scalar."""
        read = torch.cat([group.z_q for group in groups], dim=1)  # (B, N, D)
        before = torch.cat([self.start.expand(len(read), 1, -1), read[:, :-1]], dim=1)
        features = self.norm(self.layers(before + self.positions[: read.shape[1]]))
        nats, count, end = features.new_zeros((), dtype=torch.float32), 0, 0
        for group, slots, head in zip(groups, self.slots, self.heads, strict=False):  # an image has no temporal group
            start, end = end, end + group.z_q.shape[1]
            logits = head(features[:, start:end]).float()  # (B, n, codes of all slots)
            columns = group.indices.view(*group.z_q.shape[:2], len(slots)).unbind(-1)
            parts = logits.split([codes for _, codes in slots], dim=-1)
            for (first, _), column, part in zip(slots, columns, parts, strict=True):
                nats = nats + F.cross_entropy(part.flatten(0, 1), column.flatten() - first, reduction="sum")
                count += column.numel()
        return nats / count
