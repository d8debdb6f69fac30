"""Tokenizers of clips behind one protocol (base), each in a file of its own, found by name (registry)."""
