"""The model card: the model's facts and the run's numbers, none of them typed."""

import json

import pytest
from huggingface_hub import ModelCard

from sweettok.errors import InputError
from sweettok.metrics.reconstruction import code_size
from sweettok.storage import sha256_of


@pytest.fixture
def metrics(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({"reconstruction.sweettok.psnr": 18.7654, "reconstruction.proxy.psnr": 20.1}))
    return path


def test_the_card_holds_facts_numbers_and_metadata(tok, metrics, tmp_path):
    tok.save_pretrained(tmp_path / "model", metrics=metrics)
    card = ModelCard.load(tmp_path / "model" / "README.md")
    assert card.data.license == "mit" and card.data.library_name == "sweettok"
    for fact in (tok.model_id, f"{code_size(tok.model)['bits']:.1f}", "4 spatial, 16 temporal", sha256_of(metrics)):
        assert fact in card.text
    assert "| reconstruction.sweettok.psnr | 18.77 |" in card.text and "proxy" not in card.text


def test_without_numbers_it_says_so(tok, tmp_path):
    tok.save_pretrained(tmp_path / "model")
    assert "None were given" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.parametrize("content", ["{}", "[]", '{"other": 1}', "{"])
def test_numbers_of_something_else_are_refused(tok, metrics, tmp_path, content):
    metrics.write_text(content)
    with pytest.raises(InputError, match=r"metrics.json"):
        tok.save_pretrained(tmp_path / "model", metrics=metrics)
    assert not (tmp_path / "model").exists()
