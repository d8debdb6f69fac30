"""What do a clip's words say about its class? python examples/few_shot.py [MODEL STORE]"""

import sys

import torch

from sweettok import SweetTok
from sweettok.metrics.few_shot import few_shot_accuracy
from sweettok.video.store import ClipStore

model, data = sys.argv[1:] or ("outputs/model", "outputs/data")
tok, store = SweetTok.from_pretrained(model), ClipStore.open(data, "test")
tokens = torch.cat([tok.encode(store.clips(part)) for part in torch.arange(len(store)).split(32)])
temporal = tokens[:, tok.model.config.spatial_tokens :]  # verbs and adverbs
counts = torch.nn.functional.one_hot(temporal.flatten(1), tok.model.quantizers["temporal"].size).sum(1)
accuracy = few_shot_accuracy(counts, store.labels["label"], ways=2, shots=3, episodes=100, seed=0)
print(f"2-way 3-shot accuracy on verbs and adverbs: {accuracy.mean():.3f} (chance 0.5)")
