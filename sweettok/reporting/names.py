"""What methods are called in tables and figures, and which way a metric is better, in words."""

from sweettok.metrics.registry import higher_is_better

MAIN_METRICS = ("psnr", "perceptual/judge", "frechet_video/judge")  # of figures and of verdicts
_METHODS = {
    "sweettok": "SweetTok",
    "proxy": "SweetTok* (proxy, no compression)",
    "copy_first_frame": "copy of the first frame",
    "trilinear_tokens": "trilinear, same number of tokens",
    "trilinear_bits": "trilinear, same bits (8-bit grid values)",
}


def better_in_words(metric: str) -> str:
    """ "higher is better" or "lower is better"."""
    return f"{'higher' if higher_is_better(metric) else 'lower'} is better"


def method_title(method: str) -> str:
    """What a method or an ablation variant is called."""
    return _METHODS.get(method, method.replace("_", " "))


def trained_alike(variant: str) -> str:
    """What an ablation variant is called among methods that were trained otherwise."""
    return f"{method_title(variant)} (ablation)"
