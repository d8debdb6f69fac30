"""codebook: built from captions, its words inspected."""

import json

import pytest

from sweettok.language.codebook import Codebook

CAPTIONS = ["a red ball slides slowly", "a red star spins quickly", "a tiny star slides quickly"]


@pytest.fixture
def built(work, sweettok):
    (work / "captions.txt").write_text("\n".join(CAPTIONS))
    assert sweettok("codebook", "build", "captions.txt", "--provider", "hashed")[0] == 0
    return Codebook.load(work / "codebook")


def test_build(built, sweettok):
    assert {"red", "ball", "star", "slide", "slowly"} <= set(built.words) and built.captions == 3
    status, out, _ = sweettok(
        "codebook", "build", "captions.txt", "--provider", "hashed", "--max-words", 1, "-o", "small", "--json"
    )
    assert status == 0 and json.loads(out)["words"] == dict.fromkeys(("adjective", "noun", "adverb", "verb"), 1)


def test_a_word(built, sweettok):
    status, out, _ = sweettok("codebook", "word", "red", "--codebook", "codebook", "--json")
    answer = json.loads(out)
    (entry,) = answer["entries"]
    assert status == 0 and (entry["part_of_speech"], entry["count"]) == ("adjective", 2)
    assert entry["partners"] == {"ball": 1, "star": 1}
    assert [other["word"] for other in answer["nearest"]] == [word for word, _ in built.nearest("red", 10)]
    _, out, _ = sweettok("codebook", "word", "slide", "--codebook", "codebook")
    assert out.startswith("slide: verb, 2 times in 3 captions\n  with: ") and "slowly x1" in out


def test_nearest_and_words(built, sweettok):
    _, out, _ = sweettok("codebook", "nearest", "star", "-k", 2, "--codebook", "codebook")
    assert [line.split()[1] for line in out.splitlines()] == [word for word, _ in built.nearest("star", 2)]
    _, out, _ = sweettok("codebook", "words", "-k", 1, "--codebook", "codebook", "--json")
    assert [row["part_of_speech"] for row in json.loads(out)] == ["adjective", "noun", "adverb", "verb"]


def test_the_model_s_codebook_serves_where_there_is_no_other(work, sweettok, codebook):
    status, out, _ = sweettok("codebook", "word", codebook.words[0])
    assert status == 0 and out.startswith(f"{codebook.words[0]}: adjective")


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["word", "zebra", "--codebook", "codebook"], "'zebra'"),
        (["words", "--codebook", "none"], "none/codebook.json"),
        (["build", "captions.txt"], "--force"),
        (["build", "captions.txt", "-o", "outputs", "--force"], "outputs"),
        (["build", "none.txt", "-o", "new"], "none.txt"),
        (["build", "captions.txt", "-o", "new", "--min-count", "0"], "--min-count"),
        (["build", "captions.txt", "-o", "new", "--min-count", "9", "--provider", "hashed"], "9 times"),
    ],
)
def test_bad_input(built, sweettok, arguments, named):
    status, _, err = sweettok("codebook", *arguments)
    assert status == 1 and named in err and len(err.strip().splitlines()) == 1


def test_wrong_usage(sweettok):
    assert sweettok("codebook", "nearest", "red", "-k", "0")[0] == 2 and sweettok("codebook")[0] == 2
