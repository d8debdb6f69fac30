"""SweetTok-bench: `from sweettok import SweetTok` gives a trained tokenizer. Nothing is imported before it is used."""

import importlib

_HOME = {
    "InputError": "sweettok.errors",
    "SweetTok": "sweettok.api.model",
    "VideoTokens": "sweettok.api.token_file",
    "load_params": "sweettok.params",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    """PEP 562: import what is asked for when it is asked for; torch alone takes seconds."""
    if name not in _HOME:
        raise AttributeError(f"module 'sweettok' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
