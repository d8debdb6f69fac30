"""Tables, figures and verdicts from the stored results: reports/."""

from sweettok.params import Params, load_params
from sweettok.reporting import write_report
from sweettok.stage import run_stage
from sweettok.tracking import Run


def body(params: Params, run: Run) -> None:
    write_report("outputs", "reports", load_params().profile)
    for folder in ("tables", "figures"):
        run.log_artifact(f"reports/{folder}")


if __name__ == "__main__":
    run_stage("report", body)
