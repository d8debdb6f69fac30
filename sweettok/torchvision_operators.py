"""Let transformers, torchmetrics and lpips be imported beside a CPU build of torch.

These three import torchvision. Package indexes pair the CPU build of torch with a CUDA build of torchvision, whose
compiled operators then fail to load, and `import torchvision` stops with `operator torchvision::nms does not exist`.
This project uses none of torchvision's operators. Declaring their schemas, without an implementation, is enough for
the import to go through.
"""

import importlib
import importlib.util
import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries: list[torch.library.Library] = []  # torch forgets the schemas when the Library object is collected


def define_missing_operators() -> None:
    """Make `import torchvision` work; call it before the first import of transformers, torchmetrics or lpips.

    Does nothing where torchvision is absent, imports as it is, or was imported before. Safe to call repeatedly.
    """
    if importlib.util.find_spec("torchvision") is None or "torchvision" in sys.modules:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        _libraries.append(library)
        for schema in _SCHEMAS:
            library.define(schema)
        for name in [name for name in sys.modules if name.startswith("torchvision.")]:
            del sys.modules[name]  # half-imported by the attempt that failed
        importlib.import_module("torchvision")
