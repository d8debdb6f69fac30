"""Few-shot classification and probes on the tokens of the test clips: outputs/semantics."""

from sweettok.metrics.semantics import few_shot_rows, probe_rows, representations
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore


def body(params: Params, run: Run) -> None:
    model = VideoTokenizer.load("outputs/pixels")
    test = ClipStore.open("outputs/data", "test").expect(model.frames, model.size, by="outputs/pixels")
    vectors = representations(model, load_judge("outputs/judge"), test)
    summary = {
        "few_shot": few_shot_rows(vectors, test, params.semantics),
        "probes": probe_rows(vectors, test, params.semantics),
    }
    with atomic_directory("outputs/semantics") as partial:
        write_json(partial / "summary.json", summary)
    few_shot = {
        f"few_shot/{r['task']}/{r['representation']}/{r['shots']}": r["accuracy"]["value"] for r in summary["few_shot"]
    }
    probes = {f"probe/{r['tokens']}/{r['factor']}": r["accuracy"]["value"] for r in summary["probes"]}
    run.log_metrics(few_shot | probes)


if __name__ == "__main__":
    run_stage("evaluate_semantics", body)
