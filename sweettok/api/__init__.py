"""The trained tokenizer for those who use it: load, encode, decode, token files. The pipeline does not depend on it."""
