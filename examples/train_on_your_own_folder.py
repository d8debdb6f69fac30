"""The trained tokenizer learns your videos, FOLDER/CLASS/FILE: python examples/train_on_your_own_folder.py FOLDER [STEPS]

All of its parts learn, on pixels; its words stay. From nothing, with words of your own captions: docs/add-a-dataset.md.
"""

import sys
from pathlib import Path

import torch

from sweettok import SweetTok
from sweettok.params import ClipCounts, RandomSplit, Windows, load_params
from sweettok.training.curriculum import TrainingData, code_clips, finish_stage, load_judge, load_proxy, train_stage
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore

profiles, tok = Path(__file__).parents[1] / "profiles", SweetTok.from_pretrained("outputs/model")
own = {
    "root": sys.argv[1],
    "frames": tok.frames,
    "size": tok.size,
    "clips": ClipCounts(train=None, val=None, test=None),
}
own |= {"windows": Windows(stride=1, every=tok.frames, start="first"), "max_skipped": 0.1}
own |= {"split": RandomSplit(by="random", val=0.1, test=0.1)}
prepare(
    load_params(profiles / "weizmann.yaml").data.model_copy(update=own), "outputs/own_data"
)  # any videos in folders
clips = {split: ClipStore.open("outputs/own_data", split) for split in ("train", "val")}
proxy, judge = load_proxy("outputs/proxy"), load_judge("outputs/judge")
codes = {split: torch.from_numpy(code_clips(proxy, store)) for split, store in clips.items()}
params = load_params(profiles.parent / "params.yaml")
optimiser = params.finetune_pixels.optimiser.model_copy(update={"steps": int(sys.argv[2]) if sys.argv[2:] else 300})
parts = {"trains": ("features", "spatial", "temporal", "decoder", "pixel_decoder"), "optimiser": optimiser}
model, history = train_stage(
    "own", tok.model, params.finetune_pixels.model_copy(update=parts),
    TrainingData(**clips, codes=codes, fingerprint=clips["train"].fingerprint), pixel_loss=params.pixel_loss, judge=judge,
)  # fmt: skip
finish_stage("own", model, history)
psnr = [row["psnr"] for row in history if row["split"] == "val"][-1]
print(f"outputs/own: {psnr:.2f} dB on {len(clips['val'])} clips held out; sweettok reconstruct --model outputs/own")
