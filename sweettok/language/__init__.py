"""Captions -> vocabulary by part of speech -> co-occurrence graph -> word vectors -> codebook file."""
