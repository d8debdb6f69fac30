"""encode, decode, reconstruct, words through files: the network's own numbers, and clear refusals."""

import io
import json
import os
import shutil

import numpy as np
import pytest

from sweettok import VideoTokens
from sweettok.api import frames, token_file, writing
from sweettok.api.frames import open_frames, to_square, windows_of
from sweettok.commands import tokens as commands
from sweettok.video.store import to_float, to_uint8


def frames_of(path):
    file = open_frames(path)
    return file.read(0, file.frames)


def rebuilt(tok, shot):
    """What the network makes of the centres of frames (F, h, w, 3), window by window."""
    square = np.stack([to_square("crop", 16)(frame) for frame in shot])
    windows = windows_of(square, 9 if len(shot) > 1 else 1)
    return to_uint8(tok.model.reconstruct(to_float(windows))).reshape(-1, 16, 16, 3)[: len(shot)]


def refused(result, *named):
    """The one line of an error."""
    status, _, err = result
    assert status == 1 and len(err.strip().splitlines()) == 1 and err.startswith("error: ")
    for part in named:
        assert part in err
    return err


def test_endings_are_the_package_s():
    assert set(commands.FRAMES) == set(frames.ENDINGS)
    assert commands.TOKENS == token_file.ENDING and set(commands.WRITTEN) == set(writing.ENDINGS)


def test_decode_of_encode_is_the_network_s_reconstruction(sweettok, videos, tok):
    assert sweettok("encode", "videos")[0] == 0
    assert sweettok("decode", "tokens", "--format", "mkv")[0] == 0
    for name in ("a", "deep/b", "c"):
        original = frames_of(next(videos.glob(f"{name}.*")))
        assert np.array_equal(frames_of(f"decoded/{name}.mkv"), rebuilt(tok, original))
    assert open_frames("decoded/deep/b.mkv").frames == 20 and open_frames("decoded/deep/b.mkv").fps == 10


def test_reconstruct_is_encode_and_decode(sweettok, videos, tok):
    assert sweettok("reconstruct", "videos", "--format", "mkv")[0] == 0
    sweettok("encode", "videos")
    sweettok("decode", "tokens", "--format", "mkv")
    for name in ("a", "deep/b", "c"):
        assert np.array_equal(frames_of(f"reconstructed/{name}.mkv"), frames_of(f"decoded/{name}.mkv"))


def test_images_become_png_and_videos_mp4(sweettok, videos):
    status, out, _ = sweettok("reconstruct", "videos", "--original-size", "--fit", "stretch")
    assert status == 0 and "deep/b.mp4: 20 frames" in out
    file = open_frames("reconstructed/deep/b.mp4")
    assert (file.height, file.width, file.frames) == (24, 32, 20)
    assert open_frames("reconstructed/c.png").frames == 1


def test_the_file_s_size_is_what_encode_says(sweettok, videos):
    status, out, _ = sweettok("encode", "videos/a.mkv", "-o", "a.swt", "--json")
    (result,) = json.loads(out)
    tokens = VideoTokens.load("a.swt")
    assert status == 0 and result["output"] == "a.swt" and result["bytes"] == len(tokens.to_bytes())
    assert result["payload_bytes"] == -(-tokens.stored_bits // 8) and result["bits"] == tokens.entropy_bits
    assert result["tokens"] == 20 and result["vocabulary"] == {"spatial": [19], "temporal": [15]}


def test_stdin_glob_and_model_by_path(sweettok, videos, work, monkeypatch):
    (work / "outputs").rename(work / "elsewhere")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"videos/a.mkv\n")))
    assert sweettok("encode", "-", "videos/*.png", "--model", "elsewhere/model")[0] == 0
    assert sorted(path.name for path in (work / "tokens").iterdir()) == ["a.swt", "c.swt"]
    refused(sweettok("encode", "videos/a.mkv", "--force"), "outputs/model", "`dvc repro export_model`")


def test_names_of_any_bytes_through_encode_and_decode(sweettok, videos, work):
    for place, name in enumerate((b"\xff\xfe.mkv", b"line\nbreak [1].mkv", "ü {x} 100%.mkv".encode())):
        folder = work / f"set [{place}]"
        folder.mkdir()
        shutil.copy(videos / "a.mkv", folder / os.fsdecode(name))
        assert sweettok("encode", f"{folder}/*.mkv", "-o", f"tokens{place}")[0] == 0
        for form in ("mp4", "mkv", "gif", "png"):
            decoded = work / f"decoded{place}" / f"{os.fsdecode(name)[:-4]}.{form}"
            assert sweettok("decode", f"tokens{place}", "-o", f"decoded{place}", "--format", form)[0] == 0
            assert open_frames(decoded).frames == 9


def test_words(sweettok, videos, tok):
    status, out, _ = sweettok("words", "videos/a.mkv", "--json")
    (result,) = json.loads(out)
    assert status == 0 and result["windows"] == tok.video_words(tok.encode_video("videos/a.mkv"))
    sweettok("encode", "videos/deep/b.mkv", "-o", "b.swt")
    _, out, _ = sweettok("words", "b.swt")
    assert out.startswith("b.swt\n") and "from frame 9, temporal: " in out
    for word in tok.video_words(VideoTokens.load("b.swt"))[2]["spatial"]:
        assert word in out


def test_words_of_a_learned_codebook(sweettok, videos, make_model):
    make_model(quantizer="learned").save("learned")
    status, _, err = sweettok("words", "videos/a.mkv", "--model", "learned")
    assert status == 1 and "codebook is learned" in err


@pytest.mark.parametrize("command", ["encode", "reconstruct", "words"])
def test_bad_videos(sweettok, work, command):
    (work / "zero.mp4").write_bytes(b"")
    (work / "text.mp4").write_text("no video")
    refused(sweettok(command, "zero.mp4"), "zero.mp4", "empty")
    refused(sweettok(command, "text.mp4"), "text.mp4", "decoded")
    refused(sweettok(command, "none.mp4"), "none.mp4", "does not exist")
    refused(sweettok(command, "outputs"), "outputs ", ".mp4")


def test_bad_token_files_and_the_wrong_model(sweettok, videos, make_model, work):
    sweettok("encode", "videos/a.mkv", "-o", "a.swt")
    content = (work / "a.swt").read_bytes()
    (work / "short.swt").write_bytes(content[:-9])
    refused(sweettok("decode", "short.swt"), "short.swt", "truncated")
    refused(sweettok("decode", "none.swt"), "none.swt")
    refused(sweettok("decode", "videos/a.mkv"), "videos/a.mkv", "token file")
    make_model(quantizer="learned").save("other")
    refused(sweettok("decode", "a.swt", "--model", "other"), VideoTokens.load("a.swt").model[:12])
    assert not (work / "decoded").exists() or not list((work / "decoded").iterdir())


def test_among_good_files_a_bad_one_costs_status_1_alone(sweettok, videos, work):
    (videos / "bad.mp4").write_bytes(b"")
    status, out, err = sweettok("encode", "videos", "--json")
    results = json.loads(out)
    assert status == 1 and len(results) == 4 and sum("error" in result for result in results) == 1
    assert "bad.mp4" in err and "1 of 4" in err
    assert len(list((work / "tokens").rglob("*.swt"))) == 3


def test_what_exists_is_kept_without_force(sweettok, videos, work):
    (work / "a.swt").write_text("mine")
    refused(sweettok("encode", "videos/a.mkv", "-o", "a.swt"), "a.swt", "--force")
    assert (work / "a.swt").read_text() == "mine"
    assert sweettok("encode", "videos/a.mkv", "-o", "a.swt", "--force")[0] == 0 and VideoTokens.load("a.swt")


def test_an_interrupted_command_goes_on_as_it_advises(sweettok, videos, work, monkeypatch):
    """The files written before stay, the others are made, as without the interruption."""
    from sweettok.api import writing

    written, original = [], writing.write_frames

    def interrupted(path, *rest):
        if written:
            raise KeyboardInterrupt
        original(path, *rest)
        written.append(path)

    monkeypatch.setattr(writing, "write_frames", interrupted)
    command = ("reconstruct", "videos", "--format", "gif")
    status, _, err = sweettok(*command)
    assert status == 130 and "--resume" in err
    monkeypatch.undo()
    monkeypatch.chdir(work)
    before = written[0].stat().st_mtime_ns
    refused(sweettok(*command), "--resume")
    assert sweettok(*command, "--resume")[0] == 0
    assert written[0].stat().st_mtime_ns == before
    assert len(list((work / "reconstructed").rglob("*.gif"))) == 3


def test_a_real_clip(sweettok, work, real_samples):
    path = sorted(real_samples("weizmann").glob("*/*.mp4"))[0]
    assert sweettok("encode", path, "-o", "real.swt")[0] == 0
    assert sweettok("decode", "real.swt", "-o", "real.gif")[0] == 0
    assert (work / "real.gif").stat().st_size > 0


def test_a_name_with_a_line_break_is_one_line_everywhere(sweettok, videos, caplog):
    """Of results, errors, files left out, pairs."""
    for path in sorted(videos.rglob("*.*")):
        path.unlink() if path.name != "c.png" else path.rename(videos / "c\n1.png")
    (videos / "c\n2.png").write_bytes(b"no picture")
    (videos / "readme.t\nxt").touch()
    status, out, err = sweettok("reconstruct", "videos", "-o", "out", "--format", "png")
    assert status == 1 and out == "videos/c\\n1.png -> out/c\\n1.png: 1 frame, " + out.rpartition(", ")[2]
    first, second = err.splitlines()
    assert first.startswith(r"error: videos/c\n2.png: ") and second == "error: 1 of 2 failed"
    assert r"videos: 1 file of other kinds left out (1 .t\nxt)" in caplog.text
    assert r"first c\n2 in videos" in refused(sweettok("metrics", "videos", "out"))
    refused(sweettok("encode", "videos/c\n3.png"), r"videos/c\n3.png: does not exist")
    refused(sweettok("metrics", "videos/c\n1.png", "out/c\n1.png", "--frames", "2"), r"videos/c\n1.png has 1 frame, 2 ")
    refused(sweettok("check", "a\nb.yaml"), r"a\nb.yaml")
