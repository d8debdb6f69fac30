"""From latents to words (or learned codes) and back.

Words and learned codes are unit vectors of `code_dim` numbers: the nearest code by distance is then the one of largest
cosine, which keeps codes in use where plain VQ collapses (docs/design.md, Quantisers). The field's other codes
(docs/peers.md) come of the same whitened latents. Always fp32, whatever the autocast.
"""

from collections.abc import Callable

from torch import nn

from sweettok.language.codebook import Codebook
from sweettok.language.controls import controlled
from sweettok.models.binary_quantizer import BinarySphericalQuantizer, LookupFreeQuantizer
from sweettok.models.dqae import ARCHITECTURES
from sweettok.models.dual_quantizer import DualQuantizer
from sweettok.models.factorised_quantizer import FactorisedQuantizer
from sweettok.models.language_quantizer import LanguageQuantizer
from sweettok.models.learned_quantizer import LearnedQuantizer
from sweettok.models.residual_quantizer import ResidualQuantizer
from sweettok.models.scalar_quantizer import ScalarQuantizer
from sweettok.models.wordless_quantizer import WordlessQuantizer
from sweettok.params import Tokenizer

WORDLESS: dict[str, Callable[[Tokenizer, int, int], WordlessQuantizer]] = {
    "fsq": ScalarQuantizer,
    "lfq": LookupFreeQuantizer,
    "bsq": BinarySphericalQuantizer,
    "residual": ResidualQuantizer,
    "factorised": FactorisedQuantizer,
}
SAMPLING_TEMPERATURE = 0.03  # LARP's
PARTS_OF_SPEECH = {"spatial": ("adjective", "noun"), "temporal": ("adverb", "verb")}


def build_quantizers(tokenizer: Tokenizer, codebook: Codebook) -> nn.ModuleDict:
    """One quantiser for the spatial and one for the temporal tokens, as `tokenizer.quantizer`, `.words` and `.graph` say.

    Learned codebooks get as many codes as the language ones have words, so that bits are equal; the others as many as
    their kind allows at or below that.
    """
    codebook = controlled(codebook, tokenizer.words, tokenizer.graph)
    quantizers = nn.ModuleDict()
    tokens = {"spatial": tokenizer.spatial_tokens, "temporal": tokenizer.temporal_tokens}
    if ARCHITECTURES[tokenizer.architecture].grows:  # each later frame has as many tokens as the first
        tokens["temporal"] = tokenizer.spatial_tokens
    for group, parts in PARTS_OF_SPEECH.items():
        words = [i for i, part in enumerate(codebook.part_of_speech) if tokenizer.words == "all" or part in parts]
        if tokenizer.quantizer in ("learned", "stochastic"):
            temperature = SAMPLING_TEMPERATURE if tokenizer.quantizer == "stochastic" else 0.0
            quantizers[group] = LearnedQuantizer(
                len(words), tokenizer.width, tokenizer.code_dim, tokens[group], tokenizer.commitment, temperature
            )
        elif tokenizer.quantizer in WORDLESS:
            quantizers[group] = WORDLESS[tokenizer.quantizer](tokenizer, len(words), tokens[group])
        else:
            of_words = DualQuantizer if tokenizer.quantizer == "dual" else LanguageQuantizer
            quantizers[group] = of_words(
                codebook=codebook, words=words, parts=parts,
                width=tokenizer.width, code_dim=tokenizer.code_dim, tokens=tokens[group],
                lookup=tokenizer.lookup, commitment=tokenizer.commitment, usage_entropy=tokenizer.usage_entropy,
            )  # fmt: skip
    return quantizers
