"""What `sweettok evaluate` and `sweettok metrics` write of checkpoints, as rows of T1, T2 and T3."""

import io
import json
import re
import shlex
from pathlib import Path

import pandas
import pytest
import torch

from sweettok import cli
from sweettok.errors import InputError
from sweettok.models.judge import Judge
from sweettok.reporting.checkpoints import read_checkpoints
from sweettok.reporting.collect import Results
from sweettok.reporting.report_text import report_text
from sweettok.reporting.table import CHECKPOINT, to_csv
from sweettok.reporting.tables import all_tables
from sweettok.training.checkpoint import save_module


@pytest.fixture
def folder(tmp_path, monkeypatch, tok, scene, write_video):
    """A model evaluated by a protocol and on the clips as they are, and two folders compared."""
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        write_video(Path("clips", f"{number}.mkv"), scene(9, 16, 16, seed=number))
        write_video(Path("samples", f"{number}.mkv"), scene(9, 16, 16, seed=number + 2))
    tok.save_pretrained(Path("model"))
    torch.manual_seed(0)
    save_module(Path("outputs/judge"), Judge({"class": 2}, 2), {"labels": {"class": ["a", "b"]}, "width": 2}, [])
    folder = Path("outputs/checkpoints")
    folder.mkdir()
    evaluate = ["evaluate", "--tokenizer", "model", "--clips", "clips", "-o"]
    cli.main([*evaluate, str(folder / "as_vidtok.json"), "--protocol", "vidtok"])
    cli.main([*evaluate, str(folder / "plain.json")])
    cli.main(["metrics", "clips", "samples", "--unpaired", "-o", str(folder / "prior.json")])
    return folder


def test_each_result_is_a_row_of_the_tables_that_it_belongs_to(folder, tok):
    tables = {table.identity: table for table in all_tables(Results("test", checkpoints=read_checkpoints(folder)))}
    t1, t2, t3 = ({row.name: row for row in tables[f"T{n}"].rows if row.block == CHECKPOINT} for n in (1, 2, 3))
    assert [list(rows) for rows in (t1, t2, t3)] == [["as_vidtok", "plain"], ["prior"], ["plain"]]
    written, psnr = json.loads((folder / "as_vidtok.json").read_text()), "psnr@vidtok (frames=9, resolution=16)"
    ours = t1["as_vidtok"].ours
    assert ours[psnr].value == written["metrics"][psnr]["value"] and ours["tokens"].text() == "20"
    for fact in ("folder clips", "tokenizer model", f"sha256 {tok.model_id[:12]}", "protocol vidtok (frames=9"):
        assert fact in ours[psnr].protocol
    frame = pandas.read_csv(io.StringIO(to_csv(tables["T1"]))).set_index("row")
    assert frame.loc["plain", ["block", "ours: data", "ours: tokens"]].tolist() == [CHECKPOINT, "clips", 20]
    assert t2["prior"].ours.keys() >= {"frechet_video/judge", "frechet_image/judge"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"metrics": {}}', b"half"])
def test_a_damaged_result_is_refused_in_one_line(folder, content):
    file = folder / "plain.json"
    file.write_bytes(file.read_bytes()[:200] if content == b"half" else content)
    with pytest.raises(InputError, match=r"^outputs/checkpoints/plain.json is damaged, or not .*; measure again"):
        read_checkpoints(folder)


@pytest.mark.parametrize("identity", ["T1", "T2", "T3"])
def test_the_command_that_an_empty_block_names_exists(identity):
    command = re.findall(r"`(sweettok [^`]+)`", report_text().tables[identity].checkpoint)[0]
    cli.build_parser().parse_args(shlex.split(command)[1:])
