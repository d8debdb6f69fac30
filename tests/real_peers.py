"""Other projects' real code, from the checkouts in $SWEETTOK_PEERS: networks with random weights, written as published; tiny
ones unless arguments say otherwise.

Each function gives a `Real`: params for the adapter, and what the authors' own code makes of a clip. As a program it records
that for the tests that run without checkouts: python tests/real_peers.py
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors.torch import save_file

from sweettok.storage import sha256_of
from sweettok.tokenizers.checkpoints import Checkout

PEERS = Path(os.environ.get("SWEETTOK_PEERS", "."))


@dataclass
class Real:
    """frames, size: of clips. options: of the factory. low, high: the range of the network's clips.

    network_input  uint8 (T, H, W, 3) -> what the authors' code gives the network
    encode  that -> indices as their code returns them;  decode: indices -> clip (1, 3, T, H, W) in their range
    finish  that -> the clip that their evaluation shows, in [0, 1]
    """

    factory: str
    frames: int
    size: int
    options: dict
    low: float
    high: float
    network_input: Callable
    encode: Callable
    decode: Callable
    finish: Callable

    def clip(self):
        """uint8 (T, H, W, 3), the same every time."""
        return np.random.default_rng(0).integers(0, 256, (self.frames, self.size, self.size, 3), dtype=np.uint8)

    @torch.no_grad()
    def tape(self):
        """What passes between the authors' code and their network. `given` in bytes, 0 and 255 standing for low and high."""
        given = self.network_input(self.clip())
        indices = self.encode(given)
        made = self.decode(indices)
        in_bytes = ((given - self.low) / (self.high - self.low) * 255).round()
        return {
            "clip": self.clip(),
            "range": np.array([self.low, self.high], dtype=np.float32),
            "given": in_bytes.numpy().astype(np.uint8),
            "indices": indices.numpy().astype(np.int64),
            "made": made.numpy(),
            "shown": torch.as_tensor(self.finish(made)).numpy(),
        }


def from_bytes(low, high):
    """uint8 (T, H, W, 3) -> (1, 3, T, H, W) in [low, high]."""
    return lambda clip: (torch.from_numpy(clip).permute(3, 0, 1, 2)[None] / 255) * (high - low) + low


def to_unit(low, high):
    """[low, high] -> [0, 1], clamped."""
    return lambda clip: ((clip.float() - low) / (high - low)).clamp(0, 1)


def their_code(folder, *packages, bare=()):
    """A block in which the modules of a checkout can be imported, and networks are made with the same weights every time."""
    torch.manual_seed(0)
    return Checkout(str(PEERS / folder), "", packages, bare).imports()


def randomise(network, scale=0.05):
    """Random weights everywhere: initialisations have layers of zeros, behind which nothing would be seen."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(scale * torch.randn_like(parameter))
    return network.eval().requires_grad_(False)


COSMOS_ARGS = {"channels": 8, "channels_mult": [1, 2], "num_res_blocks": 1, "z_channels": 4, "attn_resolutions": [],
               "resolution": 32}  # fmt: skip


def cosmos(folder, args=COSMOS_ARGS, frames=3, size=8):
    """args: what differs from the published settings."""
    with their_code("Cosmos-Tokenizer", "cosmos_tokenizer"):
        made, library, utils = (
            import_module(f"cosmos_tokenizer.{name}") for name in ("networks.discrete_video", "video_lib", "utils")
        )
        settings = import_module("cosmos_tokenizer.networks.configs").discrete_video | {
            "spatial_compression": 8, "temporal_compression": 4, "dtype": torch.float32
        }  # fmt: skip
        network = randomise(made.CausalDiscreteVideoTokenizer(**(settings | args)))
        example = torch.zeros(1, 3, 9, 16, 16)
        encoder = torch.jit.trace(network.encoder_jit().eval(), example, check_trace=False)
        indices = encoder(example)[0]
        decoder = torch.jit.trace(network.decoder_jit().eval(), indices, check_trace=False)
        paths = {name: folder / f"{name}.jit" for name in ("encoder", "decoder")}
        torch.jit.save(encoder, paths["encoder"]), torch.jit.save(decoder, paths["decoder"])
        whole = library.CausalVideoTokenizer(
            checkpoint_enc=str(paths["encoder"]), checkpoint_dec=str(paths["decoder"]), device="cpu", dtype="float32"
        )

    def network_input(clip):
        padded, _ = utils.pad_video_batch(clip[None])
        return utils.numpy2tensor(padded, dtype=torch.float32, device="cpu")

    def finish(clip):
        _, region = utils.pad_video_batch(torch.zeros(1, 3, 8, 8, 3).numpy())
        shown = ((clip + 1) / 2).clamp(0, 1).permute(0, 2, 3, 4, 1)
        return utils.unpad_video_batch(shown, region).permute(0, 4, 1, 2, 3)

    hashes = {name: sha256_of(path) for name, path in paths.items()}
    options = {name: str(path) for name, path in paths.items()} | {"sha256": hashes, "dtype": "float32"}
    real = Real(
        "cosmos", frames, size, options, -1, 1, network_input, lambda x: whole.encode(x)[0], whole.decode, finish
    )
    real.whole = whole  # their program from bytes to bytes
    return real


OMNI_ARGS = {
    "embedding_dim": 16, "n_codes": 32, "resolution": 8, "patch_size": 2, "image_channels": 3, "norm_type": "batch",
    "enc_block": "tw", "dec_block": "t", "twod_window_size": 2, "spatial_pos": "rope", "patch_embed": "linear",
    "temporal_patch_size": 4, "spatial_depth": 2, "temporal_depth": 1, "causal_in_temporal_transformer": True,
    "causal_in_peg": True, "dim_head": 8, "heads": 2, "attn_dropout": 0.0, "ff_dropout": 0.0, "ff_mult": 4.0,
    "sequence_length": 5, "use_external_codebook": False, "codebook_dim": 4, "no_random_restart": True,
    "restart_thres": 1.0, "l2_code": True, "apply_allframes": False, "gan_feat_weight": 4.0, "disc_channels": 8,
    "disc_layers": 3, "disc_loss_type": "hinge", "image_gan_weight": 1.0, "video_gan_weight": 1.0,
    "perceptual_weight": 4.0, "recon_loss_type": "l1", "l1_weight": 4.0, "grad_accumulates": 1, "grad_clip_val": 1.0,
}  # fmt: skip


def omnitokenizer(folder, args=OMNI_ARGS, frames=5, size=8):
    source = PEERS / "OmniTokenizer"
    with their_code("OmniTokenizer", "OmniTokenizer", bare=["OmniTokenizer"]):
        module = import_module("OmniTokenizer.omnitokenizer")
        module.LPIPS = torch.nn.Identity  # would download its network
        args = argparse.Namespace(**args)
        network = randomise(module.VQGAN(args))
        network.codebook.embeddings.copy_(torch.nn.functional.normalize(network.codebook.embeddings, dim=1))
    path = folder / "omni.ckpt"
    kept = {"args": argparse.Namespace(**dict(network.hparams)["args"].__dict__)}
    torch.save({"state_dict": network.state_dict(), "hyper_parameters": kept, "epoch": 1}, path)
    options = {"weights": str(path), "sha256": sha256_of(path), "source": str(source)}

    def decode(indices):  # as their forward does it, from the codes themselves
        codes = network.codebook.dictionary_lookup(indices).permute(0, 4, 1, 2, 3)
        return network.decoder(network.post_vq_conv(codes), False)

    def encode(clip):
        h = torch.nn.functional.normalize(network.pre_vq_conv(network.encoder(clip, False)), p=2, dim=1)
        return network.codebook(h)["encodings"]

    low, high = -0.5, 0.5
    return Real(
        "omnitokenizer", frames, size, options, low, high, from_bytes(low, high), encode, decode, to_unit(low, high)
    )


LARP_ARGS = {
    "bottleneck": {"name": "bottleneck", "args": {"bottleneck_dim": 4, "norm": "none", "regularizer": {"name": "vq", "args": {
        "codebook_size": 64, "commitment_loss_weight": 0.25, "codebook_loss_weight": 1.0, "entropy_loss_weight": 0.0,
        "entropy_loss_temperature": 0.01, "l2_normalized": True, "stochastic": True, "stochastic_temperature": 0.03}}}},
    "prior_model": {
        "name": "gptc-S", "use_mix_ss": True, "mix_ss_max_ratio": 0.5, "mix_ss_peak_steps_ratio": 0.3, "n_rounds": 2,
        "avg_loss_over_rounds": True, "no_grad_before_last_round": False, "no_dropout": False, "latent_ce_temperature": 1.0,
        "args": {"l2_normalized": True}},
    "bottleneck_token_num": 6, "input_size": 16, "frame_num": 4, "encoder_hidden_size": 24, "decoder_hidden_size": 24,
    "encoder_num_heads": 2, "decoder_num_heads": 2, "encoder_depth": 1, "decoder_depth": 1,
    "use_decoder_patch_query_token_type_embed": True,
}  # fmt: skip


def larp(folder, args=LARP_ARGS, frames=4, size=16, scale=0.3):
    source = PEERS / "LARP"
    with their_code("LARP", "models", "utils", "ar", bare=["utils"]):
        module = import_module("models.larp_tokenizer")
        network = randomise(module.LARPTokenizer(**json.loads(json.dumps(args))), scale)
    network.set_vq_eval_deterministic()
    path = folder / "model.safetensors"
    save_file(network.state_dict(), path)
    (folder / "config.json").write_text(json.dumps(args))
    options = {"weights": str(path), "sha256": sha256_of(path), "source": str(source)}

    def decode(indices):
        regularizer = network.bottleneck.regularizer
        codes = torch.nn.functional.embedding(indices, regularizer.get_emb())
        return network.decode_eval(network.bottleneck.project_out(codes), num_x_tokens=network.video_token_num)

    def encode(clip):
        return network.encode_eval(clip)["bottleneck_rep"]

    return Real("larp", frames, size, options, 0, 1, from_bytes(0, 1), encode, decode, to_unit(0, 1))


TITOK_ARGS = {
    "model": {"vq_model": {
        "codebook_size": 64, "token_size": 6, "use_l2_norm": True, "commitment_cost": 0.25, "vit_enc_model_size": "small",
        "vit_dec_model_size": "small", "vit_enc_patch_size": 8, "vit_dec_patch_size": 8, "num_latent_tokens": 5,
        "finetune_decoder": False, "is_legacy": False}},
    "dataset": {"preprocessing": {"crop_size": 16}},
}  # fmt: skip


def titok(folder, args=TITOK_ARGS, frames=2, size=16):
    source = PEERS / "1d-tokenizer"
    with their_code("1d-tokenizer", "modeling", bare=["modeling.modules"]):
        network = randomise(import_module("modeling.titok").TiTok(args))
    path = folder / "model.safetensors"
    save_file(network.state_dict(), path)
    (folder / "config.json").write_text(json.dumps(args))
    options = {"weights": str(path), "sha256": sha256_of(path), "source": str(source)}

    def images(clip):
        return from_bytes(0, 1)(clip)[0].transpose(0, 1)

    def encode(images):
        return network.encode(images)[1]["min_encoding_indices"]

    def decode(indices):
        codes = network.quantize.get_codebook_entry(indices.flatten()).view(
            len(indices), 1, -1, network.quantize.token_size
        )
        return network.decode(codes.permute(0, 3, 1, 2))

    def finish(images):
        return images.clamp(0, 1).transpose(0, 1)[None]

    return Real("titok", frames, size, options, 0, 1, images, encode, decode, finish)


VIDTOK_ARGS = {"ch": 8, "z_channels": 3, "num_res_blocks": 1}, [8, 5, 5]


def vidtok(folder, published="vidtok_fsq_causal_488_262144.yaml", frames=5, size=8, args=VIDTOK_ARGS):
    """args: what differs from the published settings of encoder and decoder, and levels; None: nothing."""
    source = PEERS / "VidTok"
    with their_code("VidTok", "vidtok"):
        from omegaconf import OmegaConf

        config = OmegaConf.load(source / "configs" / published)
        params = config.model.params
        if args:
            params.encoder_config.params.update(args[0])
            params.regularizer_config.params.levels = args[1]
        path, settings = folder / "vidtok.ckpt", folder / "vidtok.yaml"
        OmegaConf.save(config, settings)
        params.loss_config = {"target": "torch.nn.Identity"}
        engine = import_module("vidtok.modules.util").instantiate_from_config(config.model)
        network = randomise(engine)
    torch.save({"state_dict": network.state_dict() | {"loss.logvar": torch.zeros(())}}, path)
    options = {"weights": str(path), "sha256": sha256_of(path), "source": str(source), "config": str(settings)}

    def encode(clip):
        return network.encode(clip, return_reg_log=True)[1]["indices"]

    def decode(indices):
        codes = network.regularization.indices_to_codes(indices)
        return network.decode(codes)[:, :, -frames:]  # as their forward does in version 1.1

    return Real("vidtok", frames, size, options, -1, 1, from_bytes(-1, 1), encode, decode, to_unit(-1, 1))


def words(kinds, counts=(12, 12), width=6):
    """A codebook prior: words of each kind, with vectors and edges, under the names of the published pickles."""
    (first, vectors), (second, others), edges = kinds
    names = {
        key: [f"{key}{number}" for number in range(count)] for key, count in zip((first, second), counts, strict=True)
    }
    drawn = torch.Generator().manual_seed(1)
    return {
        first: dict.fromkeys(names[first], 20),
        second: dict.fromkeys(names[second], 20),
        vectors: {name: torch.randn(width, generator=drawn) for name in names[first]},
        others: {name: torch.randn(width, generator=drawn) for name in names[second]},
        edges: list(zip(names[first], names[second], strict=False)),
    }


NOUN_KINDS = ("adj_code_book_num", "adj_code_book_vec"), ("noun_code_book_num", "noun_code_book_vec"), "adj_noun_edges"
VERB_KINDS = ("adverb_code_book_num", "adverb_vec"), ("verb_code_book_num", "verb_vec"), "verb_adverb_edges"
NOUNS, VERBS = words(NOUN_KINDS), words(VERB_KINDS)


def in_place_of_pickles(module, content):
    """The quantisers read two pickles when they are made."""
    module.open, module.pickle = lambda *_: nullcontext(), SimpleNamespace(load=lambda _: content)


def sweettok_authors(folder, nouns=NOUNS, verbs=VERBS):
    """The whole network, whose size is fixed: 212 million parameters. The published decoding, of the latents themselves."""
    source = PEERS / "SweetTok"
    config = source / "configs" / "training" / "stage2" / "SweetTok_Compact_ucf101.yaml"
    with their_code("SweetTok", "modeling", bare=["modeling.modules"]):
        from omegaconf import OmegaConf

        in_place_of_pickles(import_module("modeling.quantizer.quantizer"), nouns | verbs)
        network = randomise(import_module("modeling.sweettok").SweetTok_Compact(OmegaConf.load(config)), 0.02)
    paths = {key: folder / f"{key}.pt" for key in ("weights", "nouns", "verbs")}
    for key, content in {"weights": network.state_dict(), "nouns": nouns, "verbs": verbs}.items():
        torch.save(content, paths[key])
    options = {key: str(path) for key, path in paths.items()} | {"source": str(source), "config": str(config)}
    options["sha256"] = {key: sha256_of(path) for key, path in paths.items()}
    latents = []

    def encode(clip):
        found, facts = network.encode(clip)
        latents[:] = [found]
        return facts["min_encoding_indices"]

    def decode(_):
        return network.decode(latents[0])

    low, high = -0.5, 0.5
    return Real(
        "sweettok_authors", 17, 256, options, low, high, from_bytes(low, high), encode, decode, to_unit(low, high)
    )


def authors_latents():
    """Codes of words, indices of 256 tokens, and the latents that the authors' quantiser makes of them."""
    with their_code("SweetTok", "modeling", bare=["modeling.modules"]):
        module = import_module("modeling.quantizer.quantizer")
        in_place_of_pickles(module, NOUNS)
        quantizer = randomise(module.MLC_quantizer_noun(n_e=1024, e_dim=4, beta=0.25, topk=2), 0.5)
    latents = torch.randn(1, 8, 1, 256, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        quantised, facts = quantizer(latents)
        codes = quantizer.gcn(quantizer.data)
    found = {"codes": codes, "indices": facts["min_encoding_indices"][0], "latents": quantised[0, :, 0].mT}
    return {key: value.numpy() for key, value in found.items()}


TAPES = Path(__file__).parent / "tokenizers" / "tapes"
REAL = {"cosmos": cosmos, "omnitokenizer": omnitokenizer, "larp": larp, "titok": titok, "vidtok": vidtok}


if __name__ == "__main__":
    for name, real in REAL.items():
        with tempfile.TemporaryDirectory() as folder:
            np.savez_compressed(TAPES / f"{name}.npz", **real(Path(folder)).tape())
    np.savez_compressed(TAPES / "sweettok_authors.npz", **authors_latents())
