import gzip
import json

import pytest

from sweettok.errors import InputError
from sweettok.language.captions import CaptionRow, read_captions, read_rows

TXT = "a red ball\n\n  ein grüner Würfel  \na red ball\n"
TSV = 'clip\tcaption\tlabel\n1\ta red ball\t0\n2\t\t1\n3\t"ein grüner Würfel\t1\n'
ROWS = [("train", "a red ball"), ("test", "ein grüner Würfel"), ("train", " "), ("train", 'a "red"\u2028ball')]


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


@pytest.mark.parametrize("name", ["captions.jsonl", "captions.jsonl.gz"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_lines_have_a_caption_field(tmp_path, name, ascii_only):
    lines = [json.dumps({"split": split, "caption": text}, ensure_ascii=ascii_only) for split, text in ROWS]
    path = write(tmp_path / name, "\n".join([*lines[:2], "", *lines[2:]]))
    assert read_captions(path) == ["a red ball", "ein grüner Würfel", 'a "red"\u2028ball']


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("captions.tsv", "split\tcaption\tclip\ntrain\t a \t1\n\ntest\t\t2\n"),
        ("captions.jsonl", '\n{"caption": " a ", "clip": "1"}\n\n{"split": "test", "clip": "2", "caption": ""}\n'),
    ],
)
def test_rows_hold_the_fields_asked_for_and_their_lines(tmp_path, name, text):
    path = write(tmp_path / name, text)
    assert read_rows(path, ("clip", "caption")) == [CaptionRow(2, ("1", " a ")), CaptionRow(4, ("2", ""))]
    assert [row.fields for row in read_rows(path, ("caption",))] == [(" a ",), ("",)]


def test_split_keeps_its_rows_alone(tmp_path):
    table = write(tmp_path / "captions.tsv", "split\tcaption\n" + "".join(f"{s}\t{text}\n" for s, text in ROWS))
    rows = write(tmp_path / "captions.jsonl", "\n".join(json.dumps({"split": s, "caption": text}) for s, text in ROWS))
    for path in (table, rows):
        assert read_captions(path, "train") == ["a red ball", 'a "red"\u2028ball']
        assert read_captions(path, "test") == ["ein grüner Würfel"]
        with pytest.raises(InputError, match=f"{path.name} .*'val' .*: test, train"):
            read_captions(path, "val")


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("captions.txt", "a red ball\n", "`split`; .*codebook.captions_split"),
        ("captions.tsv", "caption\na red ball\n", "`split` column .*: caption"),
        ("captions.jsonl", '{"caption": "a red ball"}', "line 1 .*`split` .*: caption"),
    ],
)
def test_split_of_a_file_without_splits_is_refused(tmp_path, name, text, named):
    with pytest.raises(InputError, match=named):
        read_captions(write(tmp_path / name, text), "train")


def test_windows_line_ends_and_byte_order_mark(tmp_path):
    path = tmp_path / "captions.tsv"
    path.write_bytes("\ufeffcaption\r\na red ball\r\n".encode())
    assert read_captions(path) == ["a red ball"]


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("captions.csv", "caption\na ball\n", r"\.txt .* \.tsv"),
        ("captions.tsv", "clip\ttext\n1\ta ball\n", "`caption` column .*: clip, text"),
        ("captions.tsv", "clip,caption\n1,a ball\n", "`caption` column .*: clip,caption.; put tabs"),
        ("captions.tsv", "clip\tcaption\n", "no caption"),
        ("captions.txt", " \n\n", "no caption"),
        ("captions.tsv", "", "`caption` column"),
        ("captions.tsv", "clip\tcaption\n1\ta ball\n\n2\n", "line 4: 1 of 2"),
        ("captions.tsv", "caption\n" + "x" * 200_000, "line 2: .*limit"),
        ("captions.jsonl", "", "no caption"),
        ("captions.jsonl", '{"caption": "a"}\n\n{"caption": \n', "line 3 .*JSON"),
        ("captions.jsonl", '{"caption": "a"}\n["a"]\n', "line 2 .*JSON object"),
        ("captions.jsonl", '{"caption": "a"}\n{"text": "a", "clip": 1}', "line 2 .*`caption` .*: text, clip"),
        ("captions.jsonl", '{"caption": ["a", "b"]}', "line 1 .*`caption`"),
        ("captions.jsonl", "[" * 200_000, "line 1 .*JSON"),
    ],
)
def test_unusable_file_is_refused(tmp_path, name, text, named):
    with pytest.raises(InputError, match=named):
        read_captions(write(tmp_path / name, text))


def test_missing_broken_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="absent.txt .*exist"):
        read_captions(tmp_path / "absent.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(InputError, match="folder.txt"):
        read_captions(tmp_path / "folder.txt")
    for extension, text in ((".txt", "grün"), (".tsv", "caption\ngrün\n"), (".jsonl", '{"caption": "grün"}')):
        latin = tmp_path / f"latin{extension}"
        latin.write_bytes(text.encode("latin-1"))
        with pytest.raises(InputError, match=f"{latin.name} .*UTF-8"):
            read_captions(latin)
        truncated = tmp_path / f"captions{extension}.gz"
        truncated.write_bytes(gzip.compress(text.encode())[:-12])
        with pytest.raises(InputError, match=truncated.name):
            read_captions(truncated)
    plain = tmp_path / "plain.txt.gz"
    plain.write_bytes(TXT.encode())
    with pytest.raises(InputError, match=plain.name):
        read_captions(plain)
