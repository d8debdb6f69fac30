"""The same clips through two models: python examples/compare_two_tokenizers.py MODEL MODEL [STORE]"""

import sys

from sweettok import SweetTok
from sweettok.metrics.fidelity import psnr
from sweettok.metrics.reconstruction import code_size
from sweettok.video.store import ClipStore

clips = ClipStore.open(sys.argv[3] if len(sys.argv) > 3 else "outputs/data", "test").clips(range(4))
for folder in sys.argv[1:3]:
    tok = SweetTok.from_pretrained(folder)
    print(f"{folder}: {psnr(clips, tok.reconstruct(clips)).mean():.2f} dB at {code_size(tok.model)['bits']:.0f} bits")
