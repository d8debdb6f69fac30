"""export: a folder that from_pretrained reads, with the numbers that are given, replaced only when asked."""

import json

from sweettok import SweetTok


def test_the_copy_is_the_model_with_its_numbers(sweettok, work, tok):
    (work / "metrics.json").write_text(json.dumps({"reconstruction.sweettok.psnr": 18.7654}))
    status, out, _ = sweettok("export", "--metrics", "metrics.json")
    assert status == 0 and tok.model_id[:12] in out
    assert SweetTok.from_pretrained("exported").model_id == tok.model_id
    assert "| reconstruction.sweettok.psnr | 18.77 |" in (work / "exported" / "README.md").read_text()


def test_what_exists_is_kept(sweettok, work):
    assert sweettok("export", "-o", "m")[0] == 0
    assert "m exists; add --force" in sweettok("export", "-o", "m")[2]
    assert sweettok("export", "-o", "m", "--force")[0] == 0
    (work / "m" / "thesis.txt").write_text("mine")
    status, _, err = sweettok("export", "-o", "m", "--force")
    assert status == 1 and "thesis.txt" in err and (work / "m" / "thesis.txt").exists()
