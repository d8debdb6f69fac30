"""What the tokens of the test clips mean: few-shot, probes, mutual information with captions: outputs/semantics."""

from sweettok.metrics.in_context import in_context_rows
from sweettok.metrics.mutual_information import mutual_information_rows
from sweettok.metrics.semantics import reference_representations, semantic_rows, token_representations, tokens_by_group
from sweettok.models.processes import own_device
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import atomic_directory, write_json
from sweettok.tracking import Run
from sweettok.training.curriculum import load_judge
from sweettok.video.store import ClipStore


def body(params: Params, run: Run) -> None:
    model, judge = VideoTokenizer.load("outputs/pixels").to(own_device()), load_judge("outputs/judge").to(own_device())
    test = ClipStore.open("outputs/data", "test").expect(model.frames, model.size, by="outputs/pixels")
    tokens = tokens_by_group(model, test)
    vectors = token_representations(model, tokens) | reference_representations(judge, test)
    fitting = None
    if count := params.semantics.probe_clips:
        train = ClipStore.open("outputs/data", "train")
        of_train = token_representations(model, tokens_by_group(model, train, count))
        fitting = of_train | reference_representations(judge, train, count), train.labels.iloc[:count]
    in_context, skipped = in_context_rows(model, tokens, test, params.semantics)
    summary = semantic_rows(vectors, test, params.semantics, fitting) | {
        "in_context": in_context,
        "mutual_information": mutual_information_rows(model, tokens, test, params.semantics),
        "left_out": [entry.as_json() for entry in skipped],
    }
    for entry in skipped:
        print(f"left out  {entry.metric}: {entry.why}")
    with atomic_directory("outputs/semantics") as partial:
        write_json(partial / "summary.json", summary)
    few_shot = {
        f"few_shot/{r['task']}/{r['representation']}/{r['ways']}-way/{r['shots']}-shot": r["accuracy"]["value"]
        for r in summary["few_shot"]
    }
    probes = {f"probe/{r['tokens']}/{r['factor']}": r["accuracy"]["value"] for r in summary["probes"]}
    differences = {f"probe/difference/{r['factor']}": r["difference"]["value"] for r in summary["probe_differences"]}
    excess = {
        f"mutual_information/{r['tokens']}/{r['part_of_speech']}": r["excess"]["value"]
        for r in summary["mutual_information"]
    }
    contextual = {
        f"in_context/{r['task']}/{r['ways']}-way/{r['shots']}-shot": r["accuracy"]["value"] for r in in_context
    }
    run.log_metrics(few_shot | probes | differences | excess | contextual)


if __name__ == "__main__":
    run_stage("evaluate_semantics", body)
