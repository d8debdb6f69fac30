"""Train the proxy tokenizer and code all clips with it: outputs/proxy."""

import torch

from sweettok.models.processes import own_device
from sweettok.models.proxy import ProxyTokenizer
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.tracking import Run
from sweettok.training.curriculum import code_clips, load_judge, save_proxy, training_checkpoint
from sweettok.training.loop import train
from sweettok.training.proxy_task import ProxyTask
from sweettok.video.store import ClipStore


def body(params: Params, run: Run | None) -> None:
    proxy = params.proxy
    clips = {
        split: ClipStore.open("outputs/data", split).expect(params.data.frames, params.data.size, by="params.yaml")
        for split in ("train", "val")
    }
    judge = load_judge("outputs/judge")
    torch.manual_seed(proxy.seed)
    model = ProxyTokenizer(proxy, params.patches)
    task = ProxyTask(model, judge, clips["train"], clips["val"], proxy.seed)
    checkpoint = training_checkpoint("proxy", [proxy, params.patches], [clips["train"].fingerprint, judge.fingerprint])
    model, history = train(task, proxy.optimiser, proxy.seed, checkpoint, run, machine=params.machine)
    model.to(own_device())
    codes = {split: code_clips(model, store) for split, store in clips.items()}
    if first_process():
        save_proxy("outputs/proxy", model.cpu(), codes, history)
        checkpoint.delete()


if __name__ == "__main__":
    run_stage("train_proxy", body, parallel=True)
