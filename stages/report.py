"""Tables, figures and verdicts from the stored results: `report.folder`, reports/ by default."""

from sweettok.params import Params
from sweettok.reporting import write_report
from sweettok.reporting.in_words import verdict_tags
from sweettok.reporting.origin import origin_of
from sweettok.stage import run_stage
from sweettok.storage import read_json
from sweettok.tracking import Run


def body(params: Params, run: Run) -> None:
    folder, matrix = params.report.folder, params.ablation.matrix
    cells = {f"{variant}-{seed}" for variant in matrix.variants for seed in matrix.seeds}
    origin = origin_of(".", cells, params.profile)
    table_of = {name: variant.table for name, variant in params.ablation.variants.items()}
    tokenizers = params.tokenizers
    pretrained = {name for name, entry in tokenizers.items() if entry.pretrained}
    write_report(
        "outputs", folder, params.profile, cells, origin, tokenizers, matrix.replication_seeds, table_of, pretrained
    )
    run.tag(verdict_tags(read_json(f"{folder}/claims.json")))
    for part in ("tables", "figures"):
        run.log_artifact(f"{folder}/{part}")
    for file in ("index.html", "claims.json"):
        run.log_artifact(f"{folder}/{file}")


if __name__ == "__main__":
    run_stage("report", body)
