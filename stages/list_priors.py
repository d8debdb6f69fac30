"""Which priors this profile compares, if any: outputs/prior_scaling/listed.json. The report needs it where none is."""

from sweettok.params import Params
from sweettok.stage import run_stage
from sweettok.storage import write_json


def body(params: Params) -> None:
    write_json("outputs/prior_scaling/listed.json", params.prior_scaling.matrix.model_dump(mode="json"))


if __name__ == "__main__":
    run_stage("list_priors", lambda params, _: body(params), tracked=False)
