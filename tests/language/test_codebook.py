import pytest
import torch

from sweettok.errors import InputError
from sweettok.language.codebook import Codebook, build_codebook
from sweettok.params import Codebook as CodebookParams
from sweettok.params import parse_params
from sweettok.storage import read_sealed, write_sealed

CAPTIONS = [
    "a red ball slowly bounces",
    "a crimson ball quickly rolls",
    "a green cube slowly bounces",
    "a green ball swiftly falls",
]


SECTION = {"captions": None, "captions_split": None, "min_count": 1, "max_words": None, "provider": "hashed",
           "provider_path": None}  # fmt: skip


def settings(**changes):
    return CodebookParams(**SECTION | changes)


@pytest.fixture(scope="module")
def codebook():
    return build_codebook(CAPTIONS, settings())


def assert_same(one, other):
    for name in Codebook.__dataclass_fields__:
        first, second = getattr(one, name), getattr(other, name)
        assert torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second, name


def test_tiny_captions_give_the_known_codebook(codebook):
    assert codebook.words == [
        "green", "crimson", "red", "ball", "cube", "slowly", "quickly", "swiftly", "bounce", "fall", "roll",
    ]  # fmt: skip
    assert codebook.counts.tolist() == [2, 1, 1, 3, 1, 2, 1, 1, 2, 1, 1]
    assert codebook.edges.tolist() == [[0, 3], [0, 4], [1, 3], [2, 3], [5, 8], [6, 10], [7, 9]]
    assert codebook.edge_counts.tolist() == [1, 1, 1, 1, 2, 1, 1]
    assert len(codebook) == 11 and codebook.dim == 384 and codebook.captions == 4
    assert codebook.min_count == dict.fromkeys(("adjective", "noun", "adverb", "verb"), 1)
    assert codebook.max_words is None
    assert codebook.group({"noun", "adjective"}).tolist() == [0, 1, 2, 3, 4]
    assert codebook.group(["verb"]).tolist() == [8, 9, 10]
    with pytest.raises(ValueError, match="pronoun"):
        codebook.group({"pronoun"})


def test_round_trip(codebook, tmp_path):
    codebook.save(tmp_path / "codebook")
    assert sorted(path.name for path in (tmp_path / "codebook").iterdir()) == ["codebook.json", "codebook.safetensors"]
    assert_same(Codebook.load(tmp_path / "codebook"), codebook)


def test_thresholds_by_part_of_speech_are_obeyed_and_kept_in_the_file(tmp_path):
    least = {"adjective": 1, "noun": 2, "adverb": 1, "verb": 1}
    most = {"adjective": 2, "noun": 9, "adverb": 1, "verb": 2}
    build_codebook(CAPTIONS, settings(min_count=least, max_words=most)).save(tmp_path)
    loaded = Codebook.load(tmp_path)
    assert loaded.words == ["green", "crimson", "ball", "slowly", "bounce", "fall"]
    assert loaded.min_count == least and loaded.max_words == most
    assert loaded.edges.tolist() == [[0, 2], [1, 2], [3, 4]]


def test_vectors_from_the_captions_themselves():
    codebook = build_codebook(CAPTIONS, settings(provider="cooccurrence"))
    assert codebook.words == build_codebook(CAPTIONS, settings()).words
    assert codebook.provider == "cooccurrence" and len(codebook.fingerprint) == 64
    torch.testing.assert_close(codebook.vectors.norm(dim=-1), torch.ones(len(codebook)))


def test_same_captions_give_the_same_files(tmp_path):
    for name in ("one", "two"):
        build_codebook(CAPTIONS, settings()).save(tmp_path / name)
    for file in ("codebook.json", "codebook.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_damaged_tensors_are_detected(codebook, tmp_path):
    codebook.save(tmp_path)
    file = tmp_path / "codebook.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="codebook.safetensors .*damaged.*dvc repro"):
        Codebook.load(tmp_path)
    file.unlink()
    with pytest.raises(InputError, match="codebook.safetensors .*exist"):
        Codebook.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"schema": 99}, "schema 2"),
        ({"words": ["red"]}, "disagree"),
        ({"words": None}, "incomplete"),
    ],
)
def test_foreign_descriptions_are_refused(codebook, tmp_path, change, named):
    codebook.save(tmp_path)
    file = tmp_path / "codebook.json"
    write_sealed(file, read_sealed(file) | change)
    with pytest.raises(InputError, match=f"codebook.json .*{named}"):
        Codebook.load(tmp_path)


def test_absent_codebook_is_refused(tmp_path):
    with pytest.raises(InputError, match="codebook.json .*exist"):
        Codebook.load(tmp_path)


def test_empty_class_leaves_no_file(tmp_path):
    with pytest.raises(InputError, match="adjective .*codebook.min_count"):
        build_codebook(CAPTIONS, settings(min_count=3)).save(tmp_path / "codebook")
    assert not (tmp_path / "codebook").exists()


def test_nearest_words_by_meaning(codebook):
    meaningful = build_codebook(CAPTIONS, settings(provider="minilm"))
    assert meaningful.words == codebook.words
    assert [word for word, _ in meaningful.nearest("quickly", 1)] == ["swiftly"]
    ranked = [word for word, _ in meaningful.nearest("red", 99)]
    assert len(ranked) == 10 and ranked.index("crimson") < ranked.index("quickly")
    cosines = [cosine for _, cosine in meaningful.nearest("red", 99)]
    assert cosines == sorted(cosines, reverse=True)
    with pytest.raises(InputError, match="'purple'"):
        meaningful.nearest("purple", 3)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"min_count": 0}, "codebook.min_count.adjective: .*got 0"),
        ({"min_count": True}, "codebook.min_count.adjective: .*got True"),
        ({"min_count": {"noun": 1}}, "codebook.min_count.adjective: .*required"),
        ({"max_words": {"adjective": 1, "noun": 0, "adverb": 1, "verb": 1}}, "codebook.max_words.noun: .*got 0"),
        ({"captions_split": "train"}, "codebook: captions_split"),
        ({"provider": "word2vec"}, "codebook.provider: .*'minilm', 'clip'.*got 'word2vec'"),
    ],
)
def test_bad_settings_are_refused_with_their_key(change, named):
    assert parse_params({"codebook": SECTION}, "params.yaml").codebook.min_count.verb == 1
    with pytest.raises(InputError, match=named):
        parse_params({"codebook": SECTION | change}, "params.yaml")
