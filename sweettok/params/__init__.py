"""params.yaml as typed, frozen models: the only place that reads params.

One class per section of params.yaml; a section's name is what `params:` in dvc.yaml lists. Unknown keys and wrong
types are refused with the key's path and what is allowed. A stage loads only the sections that dvc.yaml declares for
it (`stage_params`), so a parameter that DVC does not watch cannot be read by accident.
"""

from sweettok.params.codebook import Codebook, PerPart
from sweettok.params.codecs import CodecPoint, Codecs
from sweettok.params.data import (
    AnyData,
    Data,
    FileData,
    ImageFolderData,
    ImagenetData,
    KineticsData,
    KineticsLists,
    Patches,
    SpriteFactors,
    SpritesData,
    Ucf101Data,
    VideoFolderData,
    Windows,
)
from sweettok.params.evaluation import (
    Ablation,
    AblationMatrix,
    AblationSchedule,
    Curriculum,
    EvaluateReconstruction,
    PriorMatrix,
    PriorScaling,
    PriorSize,
    Sampling,
    SamplingSettings,
    Semantics,
    Variant,
)
from sweettok.params.metrics import Metrics, Protocol, WeightsSource
from sweettok.params.models import Architecture, Generator, Graph, Judge, Lookup, Proxy, Tokenizer, Words
from sweettok.params.overrides import resolved_yaml
from sweettok.params.reading import load_params, parse_params, stage_params
from sweettok.params.report import Report
from sweettok.params.section import Section
from sweettok.params.splits import ClipCounts, FolderSplit, GroupSplit, RandomSplit, SplitSizes, TimeSplit
from sweettok.params.tokenizers import TokenizerEntry, Tokenizers
from sweettok.params.training import CodeLoss, CurriculumStage, Machine, Optimiser, Part, PixelLoss
from sweettok.params.whole import Params

__all__ = [
    "Ablation", "AblationMatrix", "AblationSchedule", "AnyData", "Architecture", "ClipCounts", "CodeLoss", "Codebook",
    "CodecPoint", "Codecs", "Curriculum", "CurriculumStage", "Data", "EvaluateReconstruction", "FileData",
    "FolderSplit", "Generator", "Graph", "GroupSplit", "ImageFolderData", "ImagenetData", "Judge", "KineticsData",
    "KineticsLists", "Lookup", "Machine", "Metrics", "Optimiser", "Params", "Part", "Patches", "PerPart", "PixelLoss",
    "PriorMatrix", "PriorScaling", "PriorSize", "Protocol", "Proxy", "RandomSplit", "Report", "Sampling",
    "SamplingSettings", "Section", "Semantics", "SplitSizes", "SpriteFactors", "SpritesData", "TimeSplit", "Tokenizer",
    "TokenizerEntry", "Tokenizers", "Ucf101Data", "Variant", "VideoFolderData", "WeightsSource", "Windows", "Words", "load_params", "parse_params", "resolved_yaml",
    "stage_params",
]  # fmt: skip
