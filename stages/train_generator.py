"""Train the class-conditional prior over the tokens of the training clips: outputs/generator."""

from sweettok.generation.training import TokenizedClips, train_prior
from sweettok.params import Params
from sweettok.stage import first_process, run_stage
from sweettok.storage import atomic_directory
from sweettok.tracking import Run
from sweettok.training.checkpoint import write_history
from sweettok.training.curriculum import forget_training

CHECKPOINT = "generator"


def body(params: Params, run: Run | None) -> None:
    clips = TokenizedClips.of("outputs/pixels", "outputs/data")
    prior, history = train_prior(params.generator, clips, CHECKPOINT, run, params.machine)
    if first_process():
        with atomic_directory("outputs/generator") as partial:
            prior.save(partial)
            write_history(partial / "history.csv", history)
        forget_training(CHECKPOINT)


if __name__ == "__main__":
    run_stage("train_generator", body, parallel=True)
