"""What every DVC stage does around its one call into the package: memory, params, log, MLflow run, clear errors."""

import logging
import sys
from collections.abc import Callable

from sweettok.allocator import keep_freed_blocks
from sweettok.errors import InputError
from sweettok.params import Params, stage_params
from sweettok.tracking import Run, tracked_run


def run_stage(name: str, body: Callable[[Params, Run], None], tags: dict[str, str] | None = None) -> None:
    """Run `body(params, run)` as stage `name`: params hold the sections dvc.yaml declares, run is its MLflow run.

    An InputError ends the process with status 1 and one line; Ctrl-C with status 130. Anything else is a bug and keeps
    its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("mlflow", "alembic", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    keep_freed_blocks()
    try:
        params = stage_params(name)
        with tracked_run(name, params, tags or {}) as run:
            body(params, run)
    except InputError as error:
        sys.exit(f"error in stage {name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
