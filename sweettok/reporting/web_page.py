"""reports/index.html: the report as one file that asks for nothing else. The template, its style and script: web/."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markupsafe import Markup

from sweettok.reporting.claims import Verdict
from sweettok.reporting.claims_table import claims_grid, claims_note, not_run
from sweettok.reporting.collect import Results
from sweettok.reporting.embedded import SMALL_CLIP_BYTES, Embedded, embed_array, embed_clip, embed_picture, made_small
from sweettok.reporting.facts import run_facts
from sweettok.reporting.grid import Grid
from sweettok.reporting.origin import Origin
from sweettok.reporting.page import INTRODUCTION, FigureOnPage, how_made, learned_grid
from sweettok.reporting.pictures import frame_places, frame_strip, over_time, sample_clips, strip_clips
from sweettok.reporting.table import Table, footnotes, to_grid
from sweettok.reporting.tables import setting
from sweettok.reporting.word_lists import WordList, lists_of_clip, word_lists

PARTS = Path(__file__).parent / "web"
SECTIONS = ("tables", "reconstruction", "samples", "training", "semantics", "codebook")
CLIPS_WITH_WORDS = 4
SECTION_OF_TABLE = {
    "T7_probes": "semantics",
    "T7_words": "semantics",
    "T7_variants": "semantics",
    "codebook_words": "codebook",
    "codebook_edges": "codebook",
}


@dataclass(frozen=True)
class ShownPicture:
    """A figure inside the page; files: its names in reports/figures, to be linked."""

    figure: FigureOnPage
    embedded: Embedded
    files: tuple[str, ...]


@dataclass(frozen=True)
class ShownTable:
    """A table with what the template shows of it, and the figures under it."""

    table: Table
    grid: Grid
    footnotes: dict[str, str]
    pictures: list[ShownPicture]


@dataclass(frozen=True)
class ShownClips:
    """Clips that run in a loop, with what they show in words. rows: what their rows are called, from above."""

    embedded: Embedded
    alt: str
    caption: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class WordsOfClip:
    """A test clip beside its reconstruction, some of its frames, and the words its tokens are."""

    name: str
    caption: str
    moving: ShownClips
    frames: ShownClips
    lists: tuple[WordList, ...]


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
        under = [_picture(figure, folder) for figure in figures if figure.under == table.identity]
        shown_tables[section].append(ShownTable(table, to_grid(table), footnotes(table), under))
    script = f"\n{_part('page.js')}"
    return _template().render(
        setting=setting(results),
        introduction=INTRODUCTION,
        tally=Counter(one.ruling.verdict for one in found),
        claims=claims_grid(found),
        claims_note=claims_note(found),
        not_run=not_run(found),
        learned=learned_grid(results),
        tables=shown_tables,
        pictures=_pictures(figures, folder),
        clips={"reconstruction": _reconstruction_clips(results), "samples": _sample_clips(results)},
        words=word_lists(results),
        clip_words=_clip_words(results),
        facts=run_facts(results, origin),
        how_made=how_made(),
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
    """Section -> its pictures but those under a table. A GIF is left to the clips, which show the same in fewer bytes."""
    shown: dict[str, list[ShownPicture]] = {section: [] for section in SECTIONS}
    for figure in figures:
        if figure.file.endswith(".png") and figure.under is None:
            shown[figure.section].append(_picture(figure, folder))
    return shown


def _picture(figure: FigureOnPage, folder: Path) -> ShownPicture:
    files = (figure.file, *([figure.vector] if figure.vector else []))
    return ShownPicture(figure, embed_picture(folder / figure.file), files)


def _reconstruction_clips(results: Results) -> ShownClips | None:
    if not results.strips:
        return None
    clips = strip_clips(made_small(results.strips))
    return ShownClips(
        embed_clip(over_time(list(clips.values()), side=1)),
        "Animated test clips, one column a clip, one row the original or a method's reconstruction",
        "Test clips and their reconstructions, moving. Ablation variants are trained for a fraction of SweetTok's steps.",
        tuple(clips),
    )


def _sample_clips(results: Results) -> ShownClips | None:
    if not results.samples:
        return None
    clips = sample_clips(made_small(results.samples))
    return ShownClips(
        embed_clip(over_time(list(clips.values()), side=1)),
        "Animated generated clips, one row a class, three samples each",
        "Clips sampled from the prior, three for each class, moving.",
        tuple(clips),
    )


def _clip_words(results: Results) -> list[WordsOfClip]:
    """The first test clips with their words; none for a run whose evaluation did not write them."""
    if not (results.strips and results.clip_words):
        return []
    strips, found = made_small(results.strips), []
    for place, entry in enumerate(results.clip_words[:CLIPS_WITH_WORDS]):
        original, made = (strips[name][place] for name in ("original", "sweettok"))
        names, about = ("original", "SweetTok"), f"{entry['clip']}: {entry['caption']}"
        moving = embed_clip(over_time([[original], [made]], side=1), SMALL_CLIP_BYTES)
        still = embed_array(np.concatenate([frame_strip(original, side=1), frame_strip(made, side=1)]))
        numbers = ", ".join(map(str, frame_places(len(original))))
        lists = lists_of_clip(entry["words"], results)
        found.append(
            WordsOfClip(
                entry["clip"],
                entry["caption"],
                ShownClips(moving, f"Animated test clip above its reconstruction, {about}", "Moving.", names),
                ShownClips(
                    still, f"Frames of the test clip above its reconstruction, {about}", f"Frames {numbers}.", ()
                ),
                lists,
            )
        )
    return found
