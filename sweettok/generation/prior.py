"""Class-conditional autoregressive prior over a clip's tokens: a Llama-style transformer (docs/paper.md, Prior).

The sequence is [class] + spatial ids + temporal ids. Position p of the output predicts id p, and only from the slice
of words that may stand there. Each position has a learned vector beside Llama's rotary ones, as in LARP: a token stands
for a place of the clip, and rotary positions alone tell only how far apart two tokens are (docs/recipe.md, Prior). Input
embedding and head are not tied.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweettok.errors import InputError
from sweettok.generation.layout import TokenGroup, TokenLayout
from sweettok.storage import atomic_file, read_sealed, sha256_of, write_sealed

WEIGHTS, CONFIG = "prior.safetensors", "prior.json"
FORMAT = 2
REMEDY = "run `dvc repro train_generator`"


@dataclass(frozen=True)
class PriorConfig:
    """Sizes of a prior. Paper's code: layers 24, heads 16, width 1536 (680M without embeddings, "650M" in T2)."""

    layers: int
    heads: int
    width: int
    classes: int
    label_dropout: float
    layout: TokenLayout

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise InputError(
                f"generator.width {self.width} with {self.heads} heads: expected a multiple of 2 * heads = "
                f"{2 * self.heads}, since rotary positions need an even width a head"
            )
        if not 0 <= self.label_dropout <= 1:
            raise InputError(f"generator.label_dropout: expected 0 to 1, given {self.label_dropout}")

    @property
    def feed_forward(self) -> int:
        """Inner width: 8/3 of the width (three matrices instead of two), rounded up to a multiple of 32."""
        return math.ceil(8 * self.width / 3 / 32) * 32

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "PriorConfig":
        """Inverse of `dataclasses.asdict` after a trip through JSON, where tuples become lists."""
        groups = content["layout"]["groups"]
        layout = TokenLayout(tuple(TokenGroup(g["name"], g["tokens"], tuple(map(tuple, g["ranges"]))) for g in groups))
        return cls(**{**content, "layout": layout})


class Prior(nn.Module):
    """p(ids | class). Shapes: B clips, S = config.layout.length, V = config.layout.vocabulary, D = config.width."""

    def __init__(self, config: PriorConfig, generator: torch.Generator | None = None) -> None:
        """Weights are drawn from `generator` (None: torch's global one), N(0, 0.02^2)."""
        super().__init__()
        from sweettok.torchvision_operators import define_missing_operators

        define_missing_operators()
        from transformers import AttentionInterface, LlamaConfig, LlamaModel
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        # A name of its own spares the making of a mask, for which Llama reads numbers off the device.
        AttentionInterface.register("sdpa_causal", sdpa_attention_forward)
        self.config = config
        self.no_class = config.classes  # the extra label that label dropout and guidance use
        llama = LlamaConfig(
            vocab_size=config.layout.vocabulary + config.classes + 1,  # words, then classes, then "no class"
            hidden_size=config.width,
            intermediate_size=config.feed_forward,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=config.layout.length,
            attn_implementation="sdpa_causal",
            use_cache=False,
        )
        with torch.random.fork_rng(devices=[]):  # the modules' own initialisation draws from the global generator
            self.transformer = LlamaModel(llama)
            self.positions = nn.Embedding(config.layout.length, config.width)
            self.head = nn.Linear(config.width, config.layout.vocabulary, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02, generator=generator)

    def parameter_count(self, embeddings: bool = True) -> int:
        """Number of weights; without the embeddings (ids, positions) and the head if `embeddings` is False."""
        total = sum(parameter.numel() for parameter in self.parameters())
        tables = (self.transformer.embed_tokens, self.positions, self.head)
        return total if embeddings else total - sum(table.weight.numel() for table in tables)

    def prefix(self, labels: Tensor, drop: Tensor | None = None) -> Tensor:
        """Labels, int64 (B,) in [0, classes) -> input ids of the class prefix (B,); "no class" where `drop` is True."""
        if labels.dtype != torch.int64 or labels.ndim != 1:
            raise ValueError(f"expected int64 labels (B,), given {labels.dtype} {tuple(labels.shape)}")
        if labels.numel() and not 0 <= labels.min() <= labels.max() < self.config.classes:
            given = f"{labels.min().item()} to {labels.max().item()}"
            raise ValueError(f"expected labels in [0, {self.config.classes}), given {given}")
        return self._known_prefix(labels, drop)

    def _known_prefix(self, labels: Tensor, drop: Tensor | None) -> Tensor:
        """`prefix` of labels that are known to be in range."""
        if drop is not None:
            labels = torch.where(drop, self.no_class, labels)
        return self.config.layout.vocabulary + labels

    def hidden(self, sequence: Tensor, cache: Any = None) -> Tensor:
        """Input ids (B, n), prefix first -> features (B, n, D).

        With a transformers Cache, `sequence` continues what the cache has read, and is added to it.
        """
        first = 0 if cache is None else cache.get_seq_length()
        places = torch.arange(first, first + sequence.shape[1], device=sequence.device)
        embedded = self.transformer.embed_tokens(sequence) + self.positions(places)  # (B, n, D)
        output = self.transformer(inputs_embeds=embedded, past_key_values=cache, use_cache=cache is not None)
        return output.last_hidden_state

    def _features(self, ids: Tensor, labels: Tensor, drop: Tensor | None) -> Tensor:
        """Features (B, S, D) from which position p predicts id p; labels in range."""
        if ids.dtype != torch.int64 or ids.shape != (len(labels), self.config.layout.length):
            expected = f"({len(labels)}, {self.config.layout.length})"
            raise ValueError(f"expected int64 ids {expected}, given {ids.dtype} {tuple(ids.shape)}")
        return self.hidden(torch.cat([self._known_prefix(labels, drop)[:, None], ids[:, :-1]], dim=1))

    def word_logits(self, features: Tensor, ids: slice) -> Tensor:
        """Features (..., D) -> logits (..., words) of the joint ids in the slice, and of no others."""
        return F.linear(features, self.head.weight[ids])

    def forward(self, ids: Tensor, labels: Tensor, drop: Tensor | None = None) -> Tensor:
        """Joint ids, int64 (B, S); labels, int64 (B,); drop, bool (B,) -> logits (B, S, V), -inf where not allowed.

        Raises ValueError (shapes, dtypes, labels out of range).
        """
        self.prefix(labels)  # for its check
        features = self._features(ids, labels, drop)  # (B, S, D)
        layout = self.config.layout
        logits = features.new_full((*ids.shape, layout.vocabulary), -torch.inf, dtype=torch.float32)
        for place in layout.places:
            logits[:, place.positions, place.ids] = self.word_logits(features[:, place.positions], place.ids).float()
        return logits

    def check(self, ids: Tensor, labels: Tensor) -> None:
        """Raises ValueError where there is no loss: shapes, dtypes, labels out of range, an id not allowed at its position."""
        self.prefix(labels)
        self.config.layout.unflatten(ids)

    def loss(self, ids: Tensor, labels: Tensor, drop: Tensor | None = None) -> dict[str, Tensor]:
        """Cross-entropy among the words allowed at each position; what `forward` gives, without its B x S x V logits.

        Returns scalars: `loss` (nats an index, with gradient), `bits_per_token` (for composed tokens the sum over their
        indices), `accuracy` (share of indices whose likeliest word is the right one).
        Of what `check` accepts: to look at it in each step would wait for the device.
        """
        layout = self.config.layout
        features = self._features(ids, labels, drop)  # (B, S, D)
        nats, correct = features.new_zeros((), dtype=torch.float32), 0
        for place in layout.places:
            logits = self.word_logits(features[:, place.positions], place.ids).float()  # (B, positions, words)
            targets = ids[:, place.positions] - place.ids.start  # (B, positions)
            nats = nats + F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
            correct = correct + (logits.detach().argmax(-1) == targets).sum()
        loss = nats / ids.numel()
        bits = loss.detach() * layout.indices_per_token / math.log(2)
        return {"loss": loss, "bits_per_token": bits, "accuracy": correct / ids.numel()}

    def dropped(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Which labels (B,) a training step replaces by "no class", each with probability label_dropout: bool (B,).

        The draws, B numbers from `generator` a call, are the only randomness: to resume training, restore its state.
        """
        draws = torch.rand(len(labels), generator=generator, device=generator.device)
        return (draws < self.config.label_dropout).to(labels.device)

    def save(self, folder: str | Path) -> None:
        """Write prior.safetensors and prior.json (config, weights' sha256) into `folder`, beside what it holds.

        Raises InputError (not writable).
        """
        from safetensors.torch import save_file

        folder = Path(folder)
        with atomic_file(folder / WEIGHTS) as temporary:
            save_file({name: weight.cpu().contiguous() for name, weight in self.state_dict().items()}, temporary)
        content = {"format": FORMAT, "config": asdict(self.config), "weights_sha256": sha256_of(folder / WEIGHTS)}
        write_sealed(folder / CONFIG, content)

    @classmethod
    def load(cls, folder: str | Path) -> "Prior":
        """Read what `save` wrote, on the CPU, in eval mode.

        Raises InputError (a file absent, damaged or of another format, or the two of different savings).
        """
        from safetensors.torch import load_file

        folder = Path(folder)
        content = read_sealed(folder / CONFIG, REMEDY)
        if content.get("format") != FORMAT:
            raise InputError(f"{folder / CONFIG} is of another format, this code reads {FORMAT}; {REMEDY}")
        try:
            config, digest = PriorConfig.from_json(content["config"]), content["weights_sha256"]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder / CONFIG} does not describe a prior ({error}); {REMEDY}") from error
        if not (folder / WEIGHTS).is_file() or sha256_of(folder / WEIGHTS) != digest:
            raise InputError(f"{folder / WEIGHTS} is absent or not the file that {CONFIG} names; {REMEDY}")
        prior = cls(config, torch.Generator())
        prior.load_state_dict(load_file(folder / WEIGHTS))
        return prior.eval()
