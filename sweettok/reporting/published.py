"""The paper's numbers (docs/paper.md, Published numbers): data only, each with its source.

They are not comparable with each other across sources (docs/paper.md, Protocols: split, resolution, clips and extractor
differ), nor with ours: the data and the extractor are others. They stand beside ours to show which *order* of the
rows the paper reports.
"""

from dataclasses import dataclass

from sweettok.reporting.table import Content, Number, Row

V3 = "arXiv 2412.10443v3"  # "SweetTok", also ICCV 2025
V2 = "arXiv 2412.10443v2"  # "SweetTokenizer"
LATER = "as cited by later papers"

UCF_RECONSTRUCTION = "UCF-101, 256x256"
UCF_GENERATION = "UCF-101, class-conditional"
IMAGENET = "ImageNet, 256x256"


@dataclass(frozen=True)
class Published:
    """One published number.

    table   T1 ... T7;  method  the row's name;  metric  e.g. "rFVD";  value  None where only a statement was published
    tokens  per clip (or image), None where not stated;  data, source  where it was measured and where it is printed
    ours    the method or variant of this project that stands beside it, None where there is none
    """

    table: str
    method: str
    metric: str
    value: float | None
    tokens: int | None
    data: str
    source: str
    ours: str | None = None


PUBLISHED = (
    Published("T1", "OmniTokenizer", "rFVD", 42.35, 5120, UCF_RECONSTRUCTION, V3),
    Published("T1", "OmniTokenizer (K-600)", "rFVD", 25.97, 5120, "Kinetics-600", V3),
    Published("T1", "LARP-B", "rFVD", 64.0, 1024, UCF_RECONSTRUCTION, V3),
    Published("T1", "LARP-L", "rFVD", 35.15, 1024, UCF_RECONSTRUCTION, V3),
    Published("T1", "SweetTok", "rFVD", 20.46, 1280, UCF_RECONSTRUCTION, V3, ours="sweettok"),
    Published("T1", "SweetTok* (no compression)", "rFVD", 11.0, 5120, UCF_RECONSTRUCTION, V3, ours="proxy"),
    Published("T1", "SweetTokenizer v2", "rFVD", 44.0, 1280, UCF_RECONSTRUCTION, f"{V2}, {LATER}"),
    Published("T1", "SweetTokenizer v2 (no compression)", "rFVD", 18.0, 5120, UCF_RECONSTRUCTION, f"{V2}, {LATER}"),
    Published("T2", "OmniTokenizer 650M", "gFVD", 191.0, None, UCF_GENERATION, V3),
    Published("T2", "LARP-L 632M", "gFVD", 99.0, None, UCF_GENERATION, V3),
    Published("T2", "SweetTok 650M", "gFVD", 84.0, None, UCF_GENERATION, V3, ours="sweettok"),
    Published("T2", "SweetTok 1.9B", "gFVD", 65.0, None, UCF_GENERATION, V3),
    Published("T3", "TiTok", "rFID", 1.71, 256, IMAGENET, V3),
    Published("T3", "OmniTokenizer", "rFID", 1.11, None, IMAGENET, V3),
    Published("T3", "TokenFlow", "rFID", 1.03, 256, IMAGENET, V3),
    Published("T3", "SweetTok", "rFID", 0.73, 256, IMAGENET, V3, ours="sweettok"),
    Published("T4", "plain down-sampling", "rFVD", 227.65, 1280, UCF_RECONSTRUCTION, V3, ours="downsample"),
    Published("T4", "coupled queries", "rFVD", 35.15, 1024, UCF_RECONSTRUCTION, V3, ours="coupled"),
    Published("T4", "decoupled queries (DQAE, full)", "rFVD", 20.46, 1280, UCF_RECONSTRUCTION, V3, ours="full"),
    Published("T5", "learned codebook", "rFVD", 29.45, 1280, UCF_RECONSTRUCTION, V3, ours="learned_codebook"),
    Published("T5", "language codebook, no split (LC)", "rFVD", 24.80, 1280, UCF_RECONSTRUCTION, V3, ours="lc"),
    Published("T5", "by part of speech (MLC, full)", "rFVD", 20.46, 1280, UCF_RECONSTRUCTION, V3, ours="full"),
    Published("T5", "MLC with Qwen vectors", "rFVD", 20.12, 1280, UCF_RECONSTRUCTION, V3),
    Published("T6", "three trainings (full)", "rFVD", 20.46, 1280, UCF_RECONSTRUCTION, V3, ours="full"),
    Published(
        "T6", "end to end", "rFVD", None, None, UCF_RECONSTRUCTION, f"{V2}: a statement, no number", "end_to_end"
    ),
    Published("T7", "few-shot, images (average)", "accuracy, %", 90.8, None, "miniImageNet", V3, ours="image"),
    Published("T7", "few-shot, actions (average)", "accuracy, %", 90.1, None, "UCF-101", V3, ours="action"),
)


def published(table: str) -> tuple[Published, ...]:
    """The published rows of a table, in the paper's order. Raises KeyError for a table that does not exist."""
    rows = tuple(row for row in PUBLISHED if row.table == table)
    if not rows:
        raise KeyError(f"no published table {table!r}; there are T1 ... T7")
    return rows


def published_alone(table: str) -> list[Row]:
    """The rows of a table that nothing of ours stands beside."""
    return [Row(row.method, published=published_cells(row)) for row in published(table) if row.ours is None]


def published_beside(table: str) -> dict[str, Published]:
    """Our method or variant -> the published row that it stands beside."""
    return {row.ours: row for row in published(table) if row.ours is not None}


def published_cells(row: Published | None) -> dict[str, Content]:
    """The published columns of a row; none of None."""
    if row is None:
        return {}
    remark = "statement only" if row.value is None else ""
    tokens = {} if row.tokens is None else {"tokens": Number(row.tokens)}
    return {row.metric: Number(row.value, remark=remark, as_printed=True), **tokens, "source": f"{row.source}; {row.data}"}
