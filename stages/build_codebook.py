"""Captions -> words by part of speech, their vectors and their graph: outputs/codebook."""

from sweettok.language.captions import read_captions
from sweettok.language.codebook import build_codebook
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.video.store import ClipStore


def body(params: Params, run: Run) -> None:
    captions = params.codebook.captions
    texts = ClipStore.open("outputs/data", "train").captions if captions is None else read_captions(captions)
    codebook = build_codebook(texts, params.codebook)
    codebook.save("outputs/codebook")
    sizes = {f"words/{part}": codebook.part_of_speech.count(part) for part in ("adjective", "noun", "adverb", "verb")}
    print(sizes)
    run.log_metrics(sizes, 0)


if __name__ == "__main__":
    run_stage("build_codebook", body)
