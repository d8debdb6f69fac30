"""A video to words and back: python examples/tokenise_a_video.py clip.mp4 [MODEL]"""

import sys

from sweettok import SweetTok
from sweettok.api.writing import write_frames

tok = SweetTok.from_pretrained(sys.argv[2] if len(sys.argv) > 2 else "outputs/model")
tokens = tok.encode_video(sys.argv[1])
tokens.save("clip.swt")
write_frames("clip-reconstructed.gif", tok.decode_video(tokens), tokens.fps)
print(f"{tokens.frames} frames, {tokens.entropy_bits:.0f} bits, {tokens.facts()['payload_bytes']} bytes of tokens")
print("first window:", " ".join(tok.video_words(tokens)[0]["spatial"]))
