import gzip

import pytest

from sweettok.errors import InputError
from sweettok.language.captions import read_captions

TXT = "a red ball\n\n  ein grüner Würfel  \na red ball\n"
TSV = 'clip\tcaption\tlabel\n1\ta red ball\t0\n2\t\t1\n3\t"ein grüner Würfel\t1\n'


def write(path, text):
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["captions.txt", "captions.txt.gz"])
def test_text_has_one_caption_a_line(tmp_path, name):
    assert read_captions(write(tmp_path / name, TXT)) == ["a red ball", "ein grüner Würfel", "a red ball"]


@pytest.mark.parametrize("name", ["captions.tsv", "captions.tsv.gz"])
def test_table_has_a_caption_column(tmp_path, name):
    assert read_captions(write(tmp_path / name, TSV)) == ["a red ball", '"ein grüner Würfel']


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "captions.tsv"
    path.write_bytes("\ufeffcaption\r\na red ball\r\n".encode())
    assert read_captions(path) == ["a red ball"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("captions.csv", "caption\na ball\n", r"\.txt .* \.tsv"),
        ("captions.tsv", "clip\ttext\n1\ta ball\n", "no `caption` column.*clip, text"),
        ("captions.tsv", "clip\tcaption\n", "holds no caption"),
        ("captions.txt", " \n\n", "holds no caption"),
        ("captions.tsv", "", "no `caption` column"),
    ],
)
def test_unusable_file_is_refused(tmp_path, name, text, says):
    with pytest.raises(InputError, match=says):
        read_captions(write(tmp_path / name, text))


def test_missing_broken_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_captions(tmp_path / "absent.txt")
    latin = tmp_path / "latin.txt"
    latin.write_bytes("grün".encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_captions(latin)
    truncated = tmp_path / "captions.txt.gz"
    truncated.write_bytes(gzip.compress(TXT.encode())[:-12])
    with pytest.raises(InputError, match="cannot read"):
        read_captions(truncated)
    plain = tmp_path / "plain.txt.gz"
    plain.write_bytes(TXT.encode())
    with pytest.raises(InputError, match="cannot read"):
        read_captions(plain)
