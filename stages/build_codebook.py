"""Captions -> words by part of speech, their vectors and their graph: outputs/codebook.

Beside the codebook lie words.csv and edges.csv, its most frequent words and edges, for people and for the report.
"""

from pathlib import Path

from sweettok.language.captions import read_captions
from sweettok.language.codebook import build_codebook
from sweettok.language.tables import frequent_words, strongest_edges
from sweettok.params import Codebook, Params
from sweettok.stage import run_stage
from sweettok.tracking import Run
from sweettok.video.store import ClipStore

FOLDER = Path("outputs/codebook")
LISTED = 100  # words of each part of speech, edges of each kind


def body(params: Params, run: Run) -> None:
    codebook = build_codebook(_captions(params.codebook), params.codebook)
    codebook.save(FOLDER)
    frequent_words(codebook, LISTED).to_csv(FOLDER / "words.csv", index=False)
    strongest_edges(codebook, LISTED).to_csv(FOLDER / "edges.csv", index=False)
    sizes = {f"words/{part}": codebook.part_of_speech.count(part) for part in ("adjective", "noun", "adverb", "verb")}
    print(sizes)
    run.log_metrics(sizes, 0)


def _captions(settings: Codebook) -> list[str]:
    """The caption file's, or those of the data's training clips."""
    if settings.captions is None:
        return ClipStore.open("outputs/data", "train").captions
    return read_captions(settings.captions, settings.captions_split)


if __name__ == "__main__":
    run_stage("build_codebook", body)
