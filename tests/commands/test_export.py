"""export: a folder that from_pretrained reads, replaced only when asked."""

from sweettok import SweetTok


def test_export_becomes_the_default_model(sweettok, work, tok):
    status, out, _ = sweettok("export")
    assert status == 0 and tok.model_id[:12] in out
    assert SweetTok.from_pretrained("outputs/model").model_id == tok.model_id


def test_what_exists_is_kept(sweettok, work):
    assert sweettok("export", "-o", "m")[0] == 0
    assert "m exists; add --force" in sweettok("export", "-o", "m")[2]
    assert sweettok("export", "-o", "m", "--force")[0] == 0
    (work / "m" / "thesis.txt").write_text("mine")
    status, _, err = sweettok("export", "-o", "m", "--force")
    assert status == 1 and "holds thesis.txt" in err and (work / "m" / "thesis.txt").exists()
