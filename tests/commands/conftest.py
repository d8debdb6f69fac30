"""A working folder with a model, videos, and the command to run there."""

import pytest
from PIL import Image

from sweettok import cli


@pytest.fixture
def work(tmp_path, monkeypatch, tok):
    """An empty working folder with the small model as outputs/model."""
    monkeypatch.chdir(tmp_path)
    tok.save_pretrained(tmp_path / "outputs" / "model")
    return tmp_path


@pytest.fixture
def videos(work, scene, write_video):
    """videos/a.mkv (9 frames), videos/deep/b.mkv (20 frames, 24 x 32), videos/c.png."""
    write_video(work / "videos" / "a.mkv", scene(9, 16, 16))
    write_video(work / "videos" / "deep" / "b.mkv", scene(20, 24, 32, seed=1), rate=10)
    Image.fromarray(scene(1, 16, 16, seed=2)[0]).save(work / "videos" / "c.png")
    return work / "videos"


@pytest.fixture
def sweettok(capsys):
    """*arguments -> (exit status, standard output, standard error)."""

    def run(*arguments):
        status = 0
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as ended:
            status = ended.code
        out, err = capsys.readouterr()
        if isinstance(status, str):  # what sys.exit prints is printed by the interpreter only
            status, err = 1, f"{err}{status}\n"
        return status or 0, out, err

    return run
