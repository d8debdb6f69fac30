"""Codes that are learned, for comparison with words."""

import torch
from torch import Tensor, nn

from sweettok.models.processes import add_over_processes, broadcast, gathered, process_count
from sweettok.models.quantized import Quantized, check_indices, in_chunks, usage_of
from sweettok.models.whitening import Whitening


class LearnedQuantizer(nn.Module):
    """Learned codes without words (T5 "no language codebook"): vector-quantize-pytorch with cosine codes, k-means start,
    EMA updates and revival of dead codes. Same interface as LanguageQuantizer.

    temperature: in training a code is drawn, by the softmax of cosines over it (LARP: 0.03); 0: the nearest is taken.
    """

    def __init__(
        self, size: int, width: int, code_dim: int, tokens: int, commitment: float, temperature: float = 0.0
    ) -> None:
        super().__init__()
        self.size, self.slots, self.words, self.folded_parameters = size, [(0, size)], None, 0
        self.to_code = Whitening(width, code_dim, tokens)
        self.project_out = nn.Linear(code_dim, width)
        self.quantize = ema_codes(code_dim, size, commitment, temperature=temperature)

    def forward(self, z: Tensor) -> Quantized:
        """z (B, N, D) -> Quantized."""
        with torch.autocast(z.device.type, enabled=False):
            latent = self.to_code(z.float())
            if self.training:  # the codes' statistics need the whole batch at once
                z_q, indices, loss = of_all_processes(self.quantize)(latent)
                return Quantized(self.project_out(z_q), indices, loss.sum(), usage_of(indices, self.size))
            chunks = in_chunks(latent.flatten(0, 1), self.size)
            indices = torch.cat([self.quantize(tokens[None])[1][0] for tokens in chunks]).unflatten(0, latent.shape[:2])
            return Quantized(self.lookup(indices), indices, z.new_zeros(()), usage_of(indices, self.size))

    def lookup(self, indices: Tensor) -> Tensor:
        """indices (B, N) -> z_q (B, N, D)."""
        with torch.autocast(indices.device.type, enabled=False):
            return self.project_out(self.code_vectors(indices))

    def code_vectors(self, indices: Tensor) -> Tensor:
        """indices (B, N) -> (B, N, code_dim). Raises ValueError."""
        check_indices(indices, self.slots)
        return self.quantize.get_codes_from_indices(indices)


def ema_codes(dim: int, size: int, commitment: float, cosine: bool = True, temperature: float = 0.0) -> nn.Module:
    """`size` codes of `dim` numbers that follow the mean of the latents they stand for (vector-quantize-pytorch)."""
    from vector_quantize_pytorch import VectorQuantize  # slow to import

    return VectorQuantize(
        dim=dim,
        codebook_size=size,
        use_cosine_sim=cosine,
        kmeans_init=True,
        threshold_ema_dead_code=0.05,  # of the moving count a step: an unused code is replaced after some 50 steps
        decay=0.95,
        commitment_weight=commitment,
        stochastic_sample_codes=temperature > 0,
        sample_codebook_temp=temperature or 1.0,
        rotation_trick=False,  # the straight-through gradient of the paper
        sync_codebook=False,  # `of_all_processes` does it, with the draws of one process
    )


def of_all_processes(quantize: nn.Module) -> nn.Module:
    """The same module, which in training counts, starts and revives its codes from all processes' latents."""
    if quantize.training and process_count() > 1:
        codebook = quantize._codebook
        codebook.all_reduce_fn = codebook.kmeans_all_reduce_fn = add_over_processes
        codebook.sample_fn = codebook.replace_sample_fn = _draw_from_all
    return quantize


def _draw_from_all(latents: Tensor, count: int) -> Tensor:
    """`count` latents out of all processes' (1, n, d), the same in each: what one process draws from the whole batch."""
    from vector_quantize_pytorch.vector_quantize_pytorch import batched_sample_vectors

    return broadcast(batched_sample_vectors(gathered(latents[0])[None], count))
