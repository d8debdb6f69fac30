"""Stand-ins for other projects' code: modules with the same names, which play back what the real code did (a tape).

Their networks refuse any other input than the recorded one, to 1e-5, and any other indices. The tapes, tokenizers/tapes, are
of the real code: real_peers.py records them, test_real_peers.py compares them with it.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sweettok.storage import sha256_of

TAPES = Path(__file__).parent / "tokenizers" / "tapes"
TAPE = """
import torch
from torch import nn

class Tape(nn.Module):
    def __init__(self, shapes):
        super().__init__()
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.int64 if name == "indices" else torch.float32))

    def take(self, given):
        torch.testing.assert_close(given, self.given, rtol=0, atol=1e-5)
        return self.indices

    def give(self, indices):
        assert torch.equal(indices, self.indices)
        return self.made
"""
TRAINING_ONLY = "raise OSError('this imports what only a training needs')"
MODULES = {
    "omnitokenizer": {
        "OmniTokenizer/__init__.py": TRAINING_ONLY,
        "OmniTokenizer/omnitokenizer.py": TAPE
        + """
def LPIPS():
    raise OSError("this downloads a network")

class VQGAN(Tape):
    def __init__(self, args):
        super().__init__(args.shapes)
        self.perceptual_model = LPIPS()

    def encode(self, x, is_image):
        return self.take(x)

    def decode(self, encodings, is_image):
        return self.give(encodings)
""",
    },
    "larp": {
        "models/__init__.py": "",
        "models/larp_tokenizer.py": "import utils\n"
        + TAPE
        + """
class LARPTokenizer(Tape):
    def __init__(self, prior_model, shapes, **others):
        super().__init__(shapes)
        assert prior_model == {"name": "none"}
        print("as chatty as the real one")

    def set_vq_eval_deterministic(self, deterministic=True):
        self.deterministic = deterministic

    def encode(self, x):
        assert self.deterministic
        return {"bottleneck_rep": self.take(x)}

    def decode_from_bottleneck(self, bottleneck_rep):
        return self.give(bottleneck_rep)
""",
        "utils/__init__.py": TRAINING_ONLY,
        "ar/__init__.py": "",
    },
    "titok": {
        "modeling/__init__.py": "",
        "modeling/modules/__init__.py": TRAINING_ONLY,
        "modeling/modules/blocks.py": "",
        "modeling/titok.py": "import modeling.modules.blocks\n"
        + TAPE
        + """
class TiTok(Tape):
    def __init__(self, config):
        super().__init__(config["shapes"])

    def encode(self, x):
        return None, {"min_encoding_indices": self.take(x)}

    def decode_tokens(self, tokens):
        return self.give(tokens)
""",
    },
    "vidtok": {
        "vidtok/models/autoencoder_v1_1.py": "from vidtok.models.autoencoder import AutoencodingEngine",
        "vidtok/models/autoencoder.py": TAPE
        + """
class AutoencodingEngine(Tape):
    def __init__(self, encoder_config, loss_config, regularizer_config, shapes):
        super().__init__(shapes)
        assert loss_config == {"target": "torch.nn.Identity"} and not regularizer_config["params"]["entropy_loss_weight"]

    def encode(self, x, return_reg_log):
        return None, {"indices": self.take(x)}

    def decode(self, z, decode_from_indices):
        return self.give(z)
""",
    },
}
OMNITOKENIZER = {
    "resolution": 256, "patch_size": 8, "temporal_patch_size": 4, "n_codes": 8192, "enc_block": "ttww", "dec_block": "tttt",
    "twod_window_size": 8,
}  # fmt: skip
LARP = {
    "bottleneck": {"name": "bottleneck", "args": {"regularizer": {"name": "vq", "args": {"codebook_size": 8192}}}},
    "prior_model": {"name": "gptc-S"}, "bottleneck_token_num": 1024, "frame_num": 16, "input_size": 128,
}  # fmt: skip
TITOK = {
    "model": {"vq_model": {"num_latent_tokens": 32, "codebook_size": 4096, "finetune_decoder": True}},
    "dataset": {"preprocessing": {"crop_size": 256}},
}
VIDTOK = {
    "target": "vidtok.models.autoencoder.AutoencodingEngine",
    "params": {
        "encoder_config": {
            "target": "vidtok.modules.model_3dcausal.EncoderCausal3DPadding",
            "params": {"ch_mult": [1, 2, 4, 4], "time_downsample_factor": 4},
        },
        "regularizer_config": {
            "target": "vidtok.modules.regularizers.FSQRegularizer",
            "params": {"levels": [8, 8, 8, 8, 8, 8], "entropy_loss_weight": 0.1},
        },
        "loss_config": {"target": "vidtok.modules.losses.GeneralLPIPSWithDiscriminator"},
        "ckpt_path": "elsewhere",
    },
}
EMPTY = {"given": np.zeros(1), "indices": np.zeros(1), "made": np.zeros(1)}


def tape_of(name):
    """What the real code did: see real_peers.Real.tape. `given` in the network's range, as floats."""
    with np.load(TAPES / f"{name}.npz") as arrays:
        tape = {key: arrays[key] for key in arrays.files}
    low, high = tape["range"]
    return tape | {"given": (tape["given"] / np.float32(255) * (high - low) + low).astype(np.float32)}


def buffers(tape):
    """The tensors of a stand-in, by name."""
    return {
        "given": torch.from_numpy(tape["given"]).float(),
        "indices": torch.from_numpy(tape["indices"]).long(),
        "made": torch.from_numpy(tape["made"]).float(),
    }


def checkout(name, folder):
    """A folder with the stand-in's code."""
    for path, code in MODULES[name].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(code)
    return str(folder)


def published(name, folder, settings=None, tape=EMPTY):
    """Files in the form in which the authors publish them, and the options that name them."""
    if name == "cosmos":
        return scripts(folder, tape)
    source, state = checkout(name, folder / "checkout"), buffers(tape)
    shapes = {key: list(tensor.shape) for key, tensor in state.items()}
    path = folder / ("model.safetensors" if name in ("larp", "titok") else "model.ckpt")
    options = {}
    if name == "omnitokenizer":
        args = argparse.Namespace(**(OMNITOKENIZER | (settings or {})), shapes=shapes)
        state["video_discriminator.w"] = torch.zeros(2)
        torch.save({"epoch": 3, "hyper_parameters": {"args": args}, "state_dict": state}, path)
    elif name == "vidtok":
        settings = json.loads(json.dumps(settings or VIDTOK))
        settings["params"]["shapes"] = shapes
        (folder / "settings.json").write_text(json.dumps({"model": settings}))
        options["config"] = str(folder / "settings.json")
        torch.save({"state_dict": state | {"loss.w": torch.zeros(2)}}, path)
    else:
        settings = settings or {"larp": LARP, "titok": TITOK}[name]
        (folder / "config.json").write_text(json.dumps(settings | {"shapes": shapes}))
        save_file(state | ({"prior_model.w": torch.zeros(2)} if name == "larp" else {}), path)
    return options | {"weights": str(path), "sha256": sha256_of(path), "source": source}


class Encoder(nn.Module):
    """A stand-in for Cosmos' encoder.jit."""

    def __init__(self, given: Tensor, indices: Tensor) -> None:
        super().__init__()
        self.register_buffer("given", given)
        self.register_buffer("indices", indices)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        assert x.shape == self.given.shape
        assert torch.allclose(x, self.given, rtol=0.0, atol=1e-5)
        return self.indices, x


class Decoder(nn.Module):
    """A stand-in for Cosmos' decoder.jit."""

    def __init__(self, indices: Tensor, made: Tensor) -> None:
        super().__init__()
        self.register_buffer("indices", indices)
        self.register_buffer("made", made)

    def forward(self, indices: Tensor) -> Tensor:
        assert torch.equal(indices, self.indices)
        return self.made


def scripts(folder, tape):
    """encoder.jit and decoder.jit, and the options that name them."""
    state = buffers(tape)
    modules = {
        "encoder": Encoder(state["given"], state["indices"]),
        "decoder": Decoder(state["indices"], state["made"]),
    }
    paths = {name: folder / f"{name}.jit" for name in modules}
    for name, module in modules.items():
        torch.jit.script(module).save(str(paths[name]))
    hashes = {name: sha256_of(path) for name, path in paths.items()}
    return {name: str(path) for name, path in paths.items()} | {"sha256": hashes, "dtype": "float32"}
