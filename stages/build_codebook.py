"""Captions -> words by part of speech, their vectors and their graph: outputs/codebook.

Beside the codebook lie words.csv and edges.csv, its most frequent words and edges, for people and for the report.
"""

from pathlib import Path

from sweettok.language.captions import codebook_captions
from sweettok.language.codebook import build_codebook
from sweettok.language.tables import frequent_words, strongest_edges
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.video.store import ClipStore

FOLDER = Path("outputs/codebook")
LISTED = 100  # words of each part of speech, edges of each kind


def body(params: Params, run: Run) -> None:
    codebook = build_codebook(
        codebook_captions(params.codebook, lambda: ClipStore.open("outputs/data", "train").captions), params.codebook
    )
    codebook.save(FOLDER)
    frequent_words(codebook, LISTED).to_csv(FOLDER / "words.csv", index=False)
    strongest_edges(codebook, LISTED).to_csv(FOLDER / "edges.csv", index=False)
    sizes = {f"words/{part}": codebook.part_of_speech.count(part) for part in ("adjective", "noun", "adverb", "verb")}
    print(sizes)
    run.log_metrics(sizes, 0)


if __name__ == "__main__":
    run_stage("build_codebook", body)
