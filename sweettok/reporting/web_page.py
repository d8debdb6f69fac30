"""reports/index.html: the report as one file that asks for nothing else. The template, its style and script: web/."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markupsafe import Markup

from sweettok.reporting.claims import Verdict
from sweettok.reporting.collect import Results
from sweettok.reporting.embedded import Embedded, embed_clip, embed_picture, made_small
from sweettok.reporting.facts import run_facts
from sweettok.reporting.grid import Grid
from sweettok.reporting.origin import Origin
from sweettok.reporting.page import CLAIMS_NOTE, HOW_MADE, INTRODUCTION, FigureOnPage, claims_grid, learned_grid
from sweettok.reporting.pictures import sample_frames, strip_frames, strip_names
from sweettok.reporting.table import Table, footnotes, to_grid
from sweettok.reporting.tables import label_of, setting
from sweettok.reporting.word_lists import word_lists

PARTS = Path(__file__).parent / "web"
SECTIONS = ("tables", "reconstruction", "samples", "training", "semantics", "codebook")
SECTION_OF_TABLE = {"T7_probes": "semantics", "codebook_words": "codebook", "codebook_edges": "codebook"}


@dataclass(frozen=True)
class ShownTable:
    """A table with what the template shows of it."""

    table: Table
    grid: Grid
    footnotes: dict[str, str]


@dataclass(frozen=True)
class ShownPicture:
    """A figure inside the page; files: its names in reports/figures, to be linked."""

    figure: FigureOnPage
    embedded: Embedded
    files: tuple[str, ...]


@dataclass(frozen=True)
class ShownClip:
    """A clip that runs in a loop, with what it shows in words."""

    embedded: Embedded
    alt: str
    caption: str


def web_page(
    results: Results,
    tables: Sequence[Table],
    found: Sequence[Verdict],
    figures: Sequence[FigureOnPage],
    folder: Path,
    origin: Origin,
) -> str:
    """The page as HTML; links to files are relative to reports/. folder: where the pictures of `figures` lie."""
    shown_tables: dict[str, list[ShownTable]] = {section: [] for section in SECTIONS}
    for table in tables:
        section = SECTION_OF_TABLE.get(table.identity, "tables")
        shown_tables[section].append(ShownTable(table, to_grid(table), footnotes(table)))
    script = f"\n{_part('page.js')}"
    return _template().render(
        setting=setting(results),
        introduction=INTRODUCTION,
        tally=Counter(verdict.verdict for verdict in found),
        claims=claims_grid(found),
        claims_note=CLAIMS_NOTE,
        learned=learned_grid(results),
        tables=shown_tables,
        pictures=_pictures(figures, folder),
        clips={"reconstruction": _reconstruction_clip(results), "samples": _sample_clip(results)},
        words=word_lists(results),
        facts=run_facts(results, origin),
        how_made=HOW_MADE,
        css=Markup(_part("page.css")),
        script=Markup(script),
        policy=_policy(script),
    )


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # Emphasis and code alone: a caption or a class name must not bring in links, pictures or HTML.
    inline = MarkdownIt("zero").enable(["backticks", "emphasis"])
    environment.filters["prose"] = lambda text: Markup(inline.renderInline(text))
    listing = MarkdownIt("zero").enable(["backticks", "emphasis", "list"])
    environment.filters["prose_list"] = lambda text: Markup(listing.render(text))
    return environment.get_template("page.html")


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """What the browser may load: this script, the page's styles, embedded pictures; nothing from anywhere else."""
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    allowed = f"img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; {allowed}"


def _pictures(figures: Sequence[FigureOnPage], folder: Path) -> dict[str, list[ShownPicture]]:
    """Section -> its pictures. A GIF is left to the clips, which show the same in fewer bytes."""
    shown: dict[str, list[ShownPicture]] = {section: [] for section in SECTIONS}
    for figure in figures:
        if figure.file.endswith(".png"):
            files = (figure.file, *([figure.vector] if figure.vector else []))
            shown[figure.section].append(ShownPicture(figure, embed_picture(folder / figure.file), files))
    return shown


def _reconstruction_clip(results: Results) -> ShownClip | None:
    if not results.strips:
        return None
    order = ", ".join(map(label_of, strip_names(results.strips)))
    return ShownClip(
        embed_clip(strip_frames(made_small(results.strips), side=1)),
        "Animated test clips, one row a clip, one column the original or a method's reconstruction",
        f"Test clips and their reconstructions moving. Columns from the left: {order}.",
    )


def _sample_clip(results: Results) -> ShownClip | None:
    if not results.samples:
        return None
    order = ", ".join(map(str, results.samples["classes"]))
    return ShownClip(
        embed_clip(sample_frames(made_small(results.samples), side=1)),
        "Animated generated clips, one column a class, three samples each",
        f"Clips sampled from the prior, moving. Columns from the left: {order}.",
    )
