"""Words and faces, which tokenizers lose first: how well they survive, after TokBench (arXiv 2505.18142)."""
