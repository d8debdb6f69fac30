"""Damage in any region of any file that is read again: refused by name, or without effect; never silently used."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from sprite_data import sprites_data
from trust.damage import survey

from sweettok import SweetTok, VideoTokens
from sweettok.api.folder import MODEL_FILES, SUMS
from sweettok.errors import InputError
from sweettok.generation.layout import layout_of
from sweettok.generation.prior import Prior, PriorConfig
from sweettok.language.codebook import Codebook
from sweettok.models.judge import Judge
from sweettok.models.proxy import ProxyTokenizer
from sweettok.models.tokenizer import VideoTokenizer
from sweettok.params import Patches
from sweettok.training.checkpoint import Checkpoint, save_module
from sweettok.training.curriculum import TrainingData, code_clips, load_judge, load_proxy, save_proxy, weights_hash
from sweettok.video.prepare import prepare
from sweettok.video.store import ClipStore, check_store, to_uint8

EXAMPLES, MORE = 2, 50  # in each of a file's eight regions
Read = Callable[[], Any]
Maker = Callable[[Path], Read]  # writes into an empty folder; gives what reads it back as plain content


@pytest.fixture(scope="module")
def makers(tok, codebook, proxy_params, scene, write_video) -> dict[str, Maker]:
    """What is made -> how, and how it is read: always through the product's own functions."""

    def model_content(model: VideoTokenizer) -> list[Any]:
        sections = [part.model_dump_json() for part in (model.config, model.patches, model.proxy)]
        return [weights_hash(model), *sections, model.built_for, codebook_content(model.codebook)]

    def codebook_content(made: Codebook) -> list[Any]:
        fields = vars(made).items()
        return [(name, value.tolist() if isinstance(value, torch.Tensor) else value) for name, value in fields]

    def token_file(folder: Path) -> Read:
        video = write_video(folder / "clip.mkv", scene(30))
        tok.encode_video(video).save(folder / "clip.swt")
        return lambda: VideoTokens.load(folder / "clip.swt").to_bytes()

    def checkpoint(folder: Path) -> Read:
        model = torch.nn.Linear(40, 30)
        adam = torch.optim.AdamW(model.parameters(), 0.1)
        model(torch.ones(2, 40)).sum().backward()
        adam.step()
        place = Checkpoint(folder / "state.pt", "identity")
        history = [{"step": step, "split": "train", "loss": 1 / step} for step in range(1, 9)]
        place.save({"step": 8, "model": model.state_dict(), "adam": adam.state_dict(), "history": history, "task": {}})
        return lambda: plain(loaded(place))

    def store(folder: Path, clips_per_shard: int | None = None) -> Read:
        world = sprites_data((12, 2, 2), frames=5, motions=4, two_objects=0.5, clips_per_shard=clips_per_shard)
        prepare(world, folder)

        def read() -> list[Any]:
            check_store(folder)
            opened = ClipStore.open(folder, "train")
            content = to_uint8(opened.clips(range(len(opened)))).tobytes()
            return [content, opened.labels.to_csv(), opened.classes, opened.fingerprint]

        return read

    def made_codebook(folder: Path) -> Read:
        codebook.save(folder)
        return lambda: codebook_content(Codebook.load(folder))

    def judge(folder: Path) -> Read:
        torch.manual_seed(0)
        labels = {"class": list("abcd"), "factor:colour": ["red", "blue"]}
        save_module(
            folder, Judge({name: len(values) for name, values in labels.items()}, 4), {"labels": labels, "width": 4}, []
        )

        def read() -> list[Any]:
            opened = load_judge(folder)
            return [weights_hash(opened), opened.labels, opened.width, opened.fingerprint]

        return read

    def proxy(folder: Path) -> Read:
        data, made = folder / "data", folder / "proxy"
        prepare(sprites_data(clips=(24, 8, 2), motions=4, two_objects=0.5), data)
        torch.manual_seed(0)
        network = ProxyTokenizer(proxy_params, Patches(spatial=4, temporal=2)).eval()
        stores = {split: ClipStore.open(data, split) for split in ("train", "val")}
        save_proxy(made, network, {split: code_clips(network, one) for split, one in stores.items()}, [])

        def read() -> list[Any]:
            opened, training_data = load_proxy(made), TrainingData.load(data, made)
            sections = [part.model_dump_json() for part in (opened.proxy, opened.patches)]
            return [weights_hash(opened), *sections, plain(training_data.codes)]

        return read

    def exported(folder: Path) -> Read:
        tok.save_pretrained(folder)
        return lambda: model_content(SweetTok.from_pretrained(folder).model)

    def trained(folder: Path) -> Read:
        tok.model.save(folder)
        return lambda: model_content(SweetTok.from_pretrained(folder).model)

    def prior(folder: Path) -> Read:
        config = PriorConfig(layers=1, heads=2, width=16, classes=3, label_dropout=0.1, layout=layout_of(tok.model))
        folder.mkdir(parents=True, exist_ok=True)
        Prior(config, torch.Generator().manual_seed(0)).save(folder)

        def read() -> list[Any]:
            opened = Prior.load(folder)
            return [weights_hash(opened), opened.config]

        return read

    return {
        "token file": token_file, "checkpoint": checkpoint, "store": store, "shards": lambda folder: store(folder, 5),
        "codebook": made_codebook, "judge": judge, "proxy": proxy, "exported model": exported,
        "trained model": trained, "prior": prior,
    }  # fmt: skip


def plain(content: Any) -> Any:
    """Tensors as lists, however deep."""
    if isinstance(content, torch.Tensor):
        return content.tolist()
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    return [plain(value) for value in content] if isinstance(content, list | tuple) else content


def loaded(place: Checkpoint) -> dict[str, Any]:
    """The checkpoint's state. One that is refused starts afresh with a line in the log: here that is an InputError."""
    lines, handler = [], logging.Handler(logging.WARNING)
    handler.emit = lambda entry: lines.append(entry.getMessage())
    logger = logging.getLogger("sweettok.training.checkpoint")
    logger.addHandler(handler)
    try:
        state = place.load()
    finally:
        logger.removeHandler(handler)
    if state is None:
        raise InputError(" ".join(lines))
    return state


@pytest.fixture(scope="module")
def made(makers, tmp_path_factory):
    """Name -> (folder, read), each made once."""
    done = {}

    def get(name: str) -> tuple[Path, Read]:
        if name not in done:
            folder = tmp_path_factory.mktemp("made") / "out"
            done[name] = folder, makers[name](folder)
        return done[name]

    return get


FILES = {
    "token file": ("clip.swt",),
    "checkpoint": ("state.pt",),
    "store": ("store.json", "train/clips.npy", "train/labels.csv"),
    "shards": ("store.json", "train/shard-000001.tar", "train/index.npy", "train/labels.csv"),
    "codebook": ("codebook.safetensors", "codebook.json"),
    "judge": ("model.safetensors", "config.json"),
    "proxy": ("proxy/model.safetensors", "proxy/config.json", "proxy/codes_train.npy"),
    "exported model": (*MODEL_FILES, SUMS),
    "trained model": MODEL_FILES,
    "prior": ("prior.safetensors", "prior.json"),
}
CASES = [pytest.param(what, name, id=f"{what}, {name}") for what, names in FILES.items() for name in names]


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MORE, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("what", "name"), CASES)
def test_damage_is_never_silently_used(made, record, what, name, examples):
    """Bits flipped, ends cut off, blocks zeroed or overwritten in each eighth of a file."""
    folder, read = made(what)
    found = survey(folder / name, read, examples)
    record(sum(found.counts.values()), found.lost, **found.counts)
    assert not found.lost, f"{dict(found.counts)}; first: {found.first}"


def test_the_files_are_all_that_is_written(made):
    """What a reader opens is what is damaged above; the rest is for people."""
    for_people = {"README.md", "history.csv", "clip.mkv"}
    for what, names in FILES.items():
        folder, _ = made(what)
        written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        others = {name for name in written - set(names) if Path(name).name not in for_people}
        of_the_same_kind = {"val/", "test/", "data/", "train/shard-", "proxy/codes_val.npy"}
        assert set(names) <= written and not [name for name in others if not name.startswith(tuple(of_the_same_kind))]


def test_the_survey_sees_what_is_not_checked(tmp_path):
    """A reader without checks, to see that the survey would find it out."""
    path = tmp_path / "plain.bin"
    path.write_bytes(bytes(range(256)))
    found = survey(path, path.read_bytes, EXAMPLES)
    assert (
        found.counts["silent"] == found.lost == sum(found.counts.values()) == 8 * EXAMPLES and "silent" in found.first
    )
