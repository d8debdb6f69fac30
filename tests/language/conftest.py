"""Tiny transformers models with random weights, saved as their originals are on the hub: CLIP, Qwen-2.5, BERT, T5."""

import pytest
import torch

from sweettok.torchvision_operators import define_missing_operators

define_missing_operators()

WORDS = ["red", "crimson", "quickly", "swiftly", "a much longer phrase of many words", "ball"]


def byte_tokenizer(end, start=None, marked=False):
    """Byte-level BPE as of CLIP and Qwen: every text has tokens. `marked` puts start and end around each text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = [token for token in (start, end) if token]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator([f"{word} {word}" for word in WORDS], trainer)
    if marked:
        ids = [(token, tokenizer.token_to_id(token)) for token in special]
        around = " ".join(([start] if start else []) + ["$A", end])
        tokenizer.post_processor = processors.TemplateProcessing(single=around, special_tokens=ids)
    names = {"bos_token": start} if start else {}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end, pad_token=end, **names)


def save(folder, tokenizer, model, **how):
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True, **how)
    return folder


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory):
    """Folder of a causal model with two layers, whose tokenizer adds no marks."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    tokenizer = byte_tokenizer("<|endoftext|>")
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, initializer_range=0.5,
    )  # fmt: skip
    return save(tmp_path_factory.mktemp("qwen"), tokenizer, Qwen2ForCausalLM(config))


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """Folder of a whole CLIP, pictures and text, with two text layers."""
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(0)
    tokenizer = byte_tokenizer("<|endoftext|>", "<|startoftext|>", marked=True)
    layers = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = layers | {
        "vocab_size": len(tokenizer), "max_position_embeddings": 40, "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    vision = layers | {"image_size": 8, "patch_size": 4}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=12, initializer_factor=10.0)
    return save(tmp_path_factory.mktemp("clip"), tokenizer, CLIPModel(config))


@pytest.fixture(scope="session")
def tiny_t5(tmp_path_factory):
    """Folder of an encoder-decoder with two layers each, whose tokenizer adds an end mark."""
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    tokenizer = byte_tokenizer("</s>", marked=True)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2,
        decoder_start_token_id=0, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return save(tmp_path_factory.mktemp("t5"), tokenizer, T5ForConditionalGeneration(config))
