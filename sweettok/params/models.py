"""Sections on networks: judge, proxy, tokenizer, prior."""

import math
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from sweettok.params.section import Probability, Section
from sweettok.params.training import Optimiser

Architecture = Literal["decoupled", "coupled", "downsample", "cvivit", "omnitokenizer", "holistic", "hierarchical"]
Quantizer = Literal["language", "learned", "stochastic", "fsq", "lfq", "bsq", "residual", "factorised", "dual"]
Lookup = Literal["union", "composed"]
Words = Literal["by_part_of_speech", "all", "shuffled", "permuted_vectors"]
Graph = Literal["captions", "none", "random"]


class Judge(Section):
    """The feature network behind perceptual loss and Frechet distances (stage train_judge)."""

    width: PositiveInt
    seed: NonNegativeInt
    optimiser: Optimiser


class Proxy(Section):
    """Convolutional autoencoder with factorised codes: the proxy codes, and the row SweetTok* (stage train_proxy)."""

    width: PositiveInt = Field(description="channels")
    encoder_blocks: PositiveInt
    decoder_blocks: PositiveInt
    levels: tuple[Annotated[PositiveInt, Field(ge=2)], ...] = Field(
        strict=False, min_length=1, description="values of each digit of a code; bits a patch: the sum of their log2"
    )
    l2: NonNegativeFloat = Field(description="weight of the squared error")
    perceptual: NonNegativeFloat = Field(description="weight of the perceptual distance on the judge")
    seed: NonNegativeInt
    optimiser: Optimiser

    @model_validator(mode="after")
    def _check_codes(self) -> "Proxy":
        if math.prod(self.levels) > 2**31:  # indices are kept as int32
            raise ValueError(f"levels {list(self.levels)} make more than 2^31 codes; use fewer or smaller levels")
        return self


class Tokenizer(Section):
    """Architecture and quantiser of the tokenizer; ablation variants override single keys."""

    architecture: Architecture = Field(description="the paper's three, or a design of the field (docs/peers.md)")
    width: PositiveInt = Field(description="channels")
    heads: PositiveInt
    expansion: PositiveInt = Field(description="width of the feed-forward layers, in widths")
    spatial_depth: PositiveInt = Field(description="attention layers of the spatial encoder, and of its decoder")
    temporal_depth: PositiveInt = Field(description="the same of the temporal ones")
    encoder_blocks: NonNegativeInt = Field(description="convolutional blocks that make the queries' starting values")
    decoder_blocks: NonNegativeInt = Field(description="causal convolutional blocks over all decoded patches")
    spatial_tokens: PositiveInt = Field(description="L_s, a square number (paper: 256)")
    temporal_tokens: PositiveInt = Field(
        description="L_t, a square number; per_frame and coupled: in each later latent frame (paper: 1024)"
    )
    temporal_queries: Literal["global", "per_frame", "per_location"] = Field(
        description="what a temporal query stands for and may read (docs/paper.md, C5)"
    )
    residual: Literal["first_frame", "consecutive"] = Field(
        description="v_s - v_t^i, or differences of neighbours (docs/paper.md, C3)"
    )
    code_dim: PositiveInt
    quantizer: Quantizer = Field(description="words, or codes without them (docs/peers.md)")
    words: Words = Field(
        description="which words each token group may use, or a control: words of any part, words with wrong vectors"
    )
    graph: Graph = Field(description="edges between words, or a control: none, as many at random")
    lookup: Lookup = Field(description="one word a token, or adjectives+noun / adverbs+verb (docs/paper.md, C11)")
    commitment: NonNegativeFloat
    usage_entropy: NonNegativeFloat = Field(description="weight of the entropy term that keeps words in use")
    tail_drop: Probability = Field(
        default=0.0, description="share of the training clips that lose their last tokens: one model for every length"
    )
    prior_loss: NonNegativeFloat = Field(
        default=0.0, description="weight of a prior over the tokens that trains along (LARP: 0.06); 0: none"
    )
    diffusion_steps: NonNegativeInt = Field(
        default=0, description="steps of a diffusion decoder behind the pixel decoder (CDT); 0: none"
    )
    start: Literal["proxy", "random"] = Field(
        description="patch features and pixel decoder start as the proxy's, or afresh"
    )
    seed: NonNegativeInt = Field(description="of the initial weights")


class Generator(Section):
    """Class-conditional autoregressive prior (stage train_generator; paper: 24 layers, 16 heads, 1536)."""

    layers: PositiveInt
    heads: PositiveInt
    width: PositiveInt
    label_dropout: Probability
    seed: NonNegativeInt
    optimiser: Optimiser
