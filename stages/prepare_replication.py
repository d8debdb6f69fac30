"""Where some seeds only replicate, training clips of their own and the proxy's codes for them: outputs/replication."""

from pathlib import Path

from sweettok import params
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import atomic_directory, write_sealed


def body(params: Params) -> None:
    write_replication(params.data, bool(params.ablation.matrix.replication_seeds))


def write_replication(data: params.Data, wanted: bool) -> None:
    """What `sweettok.training.replication` reads."""
    clips = "none" if not wanted else "halves" if isinstance(data, params.FileData) else "own"
    with atomic_directory("outputs/replication") as folder:
        if clips == "own":
            draw_clips(data, folder)
        write_sealed(folder / "config.json", {"clips": clips})


def draw_clips(data: params.Data, folder: Path) -> None:
    """As many clips as `data` has, in folder/data, and their codes in folder/proxy."""
    # Here, not above: most profiles draw nothing, and torch takes seconds to start.
    from sweettok.training.curriculum import code_clips, load_proxy, write_codes
    from sweettok.video.prepare import prepare
    from sweettok.video.store import ClipStore

    # A clip depends on (seed, split, index), so with another seed none is one of outputs/data.
    print(prepare(data.model_copy(update={"seed": data.seed + 1}), folder / "data"))
    proxy = load_proxy("outputs/proxy")
    codes = {split: code_clips(proxy, ClipStore.open(folder / "data", split)) for split in ("train", "val")}
    (folder / "proxy").mkdir()
    write_sealed(folder / "proxy" / "config.json", write_codes(folder / "proxy", proxy.patches, codes))


if __name__ == "__main__":
    run_stage("prepare_replication", lambda params, _: body(params), tracked=False)
