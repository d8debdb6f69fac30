"""What is measured: fidelity, perceptual and Frechet distances, codebook health, bits, probes, few-shot, statistics.

Import the modules directly; this file stays empty so that reading a metric record does not import torch.
"""
