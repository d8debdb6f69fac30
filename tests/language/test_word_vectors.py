import pytest
import torch

from sweettok.errors import InputError
from sweettok.language.word_vectors import Hashed


def test_hashed_vectors_depend_on_the_word_alone_and_carry_no_meaning():
    words = [f"word{i}" for i in range(200)]
    vectors = Hashed().embed(words)
    assert torch.equal(vectors[17], Hashed().embed(["word17"])[0])
    off_diagonal = (vectors @ vectors.T)[~torch.eye(200, dtype=torch.bool)]
    assert abs(float(off_diagonal.mean())) < 0.005
    assert float(off_diagonal.std()) == pytest.approx(384**-0.5, rel=0.05)


def test_useless_path_is_refused():
    with pytest.raises(InputError, match="hashed .*provider_path .*/some/where"):
        Hashed("/some/where")
