"""What metrics and methods are called in tables and figures, and which way a metric is better."""

MAIN_METRICS = ("psnr", "perceptual/judge", "frechet_video/judge")  # of figures and of verdicts
HIGHER_IS_BETTER = {
    "psnr": True,
    "ssim": True,
    "perceptual/judge": False,
    "frechet_video/judge": False,
    "frechet_image/judge": False,
}
_METRICS = {"psnr": "PSNR (dB)", "ssim": "SSIM"}
_METHODS = {
    "sweettok": "SweetTok",
    "proxy": "SweetTok* (proxy, no compression)",
    "copy_first_frame": "copy of the first frame",
    "trilinear_tokens": "trilinear, same number of tokens",
    "trilinear_bits": "trilinear, same bits (8-bit grid values)",
}


def metric_title(metric: str) -> str:
    """E.g. "PSNR (dB)"; a name that says everything stays as it is."""
    return _METRICS.get(metric, metric)


def better_in_words(metric: str) -> str:
    """ "higher is better" or "lower is better"."""
    return f"{'higher' if HIGHER_IS_BETTER[metric] else 'lower'} is better"


def method_title(method: str) -> str:
    """What a method or an ablation variant is called."""
    return _METHODS.get(method, method.replace("_", " "))
