"""Sections on networks: judge, proxy, tokenizer, prior."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from sweettok.params.section import Probability, Section
from sweettok.params.training import Optimiser

Architecture = Literal["decoupled", "coupled", "downsample"]
Lookup = Literal["union", "composed"]
Words = Literal["by_part_of_speech", "all", "shuffled", "permuted_vectors"]
Graph = Literal["captions", "none", "random"]


class Judge(Section):
    """The feature network behind perceptual loss and Frechet distances (stage train_judge)."""

    width: PositiveInt
    seed: NonNegativeInt
    optimiser: Optimiser


class Proxy(Section):
    """Patchwise VQ autoencoder: the proxy codes, and the row SweetTok* (stage train_proxy)."""

    width: PositiveInt
    heads: PositiveInt
    expansion: PositiveInt = Field(description="width of the feed-forward layers, in widths")
    depth: PositiveInt
    codes: PositiveInt = Field(ge=2)
    code_dim: PositiveInt
    perceptual_weight: NonNegativeFloat
    seed: NonNegativeInt
    optimiser: Optimiser


class Tokenizer(Section):
    """Architecture and quantiser of the tokenizer; ablation variants override single keys."""

    architecture: Architecture
    width: PositiveInt
    heads: PositiveInt
    expansion: PositiveInt = Field(description="width of the feed-forward layers, in widths")
    spatial_depth: PositiveInt
    temporal_depth: PositiveInt
    spatial_tokens: PositiveInt = Field(description="L_s (paper: 256)")
    temporal_tokens: PositiveInt = Field(description="L_t (paper: 1024 = one per grid cell)")
    temporal_queries: Literal["per_location", "global"]
    residual: Literal["first_frame", "consecutive"] = Field(
        description="PAPER.md C3: v_s - v_t^i, or differences of neighbours"
    )
    code_dim: PositiveInt
    quantizer: Literal["language", "learned"]
    words: Words = Field(
        description="which words each token group may use, or a control: words of any part, words with wrong vectors"
    )
    graph: Graph = Field(description="edges between words, or a control: none, as many at random")
    lookup: Lookup = Field(description="PAPER.md C11: one word a token, or adjectives+noun / adverbs+verb")
    commitment: NonNegativeFloat
    usage_entropy: NonNegativeFloat = Field(description="weight of the entropy term that keeps words in use")
    decoder_start: Literal["proxy", "random"] = Field(
        description="pixel decoder and codes start from the proxy, or afresh"
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
