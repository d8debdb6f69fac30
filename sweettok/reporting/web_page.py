"""reports/index.html: the report as one file that asks for nothing else. The template, its style and script: web/."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import get_args

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markupsafe import Markup

from sweettok.reporting.all_figures import FigureOnPage
from sweettok.reporting.claims import Verdict
from sweettok.reporting.collect import Results
from sweettok.reporting.embedded import SMALL_CLIP_BYTES, Embedded, embed_array, embed_clip, embed_picture, shrink_clips
from sweettok.reporting.facts import run_facts
from sweettok.reporting.origin import Origin
from sweettok.reporting.page import Report, how_made
from sweettok.reporting.pictures import frame_places, frame_strip, over_time, sample_clips, strip_clips
from sweettok.reporting.report_text import SectionName, report_text
from sweettok.reporting.table import Table
from sweettok.reporting.word_lists import WordList, lists_of_clip, word_lists

PARTS = Path(__file__).parent / "web"
CLIPS_WITH_WORDS = 4


@dataclass(frozen=True)
class ShownClips:
    """Clips that run in a loop, or frames of them. rows: what their rows are called, from above."""

    embedded: Embedded
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordsOfClip:
    """A test clip above its reconstruction, moving and as the frames of these places, and the words its tokens are."""

    name: str
    caption: str
    moving: ShownClips
    still: ShownClips
    frames: list[int]
    lists: tuple[WordList, ...]


def web_page(report: Report, found: Sequence[Verdict], folder: Path, origin: Origin) -> str:
    """The page as HTML; links to files are relative to reports/. folder: where the report's pictures lie."""
    tables: dict[str, list[Table]] = {section: [] for section in get_args(SectionName)}
    pictures: dict[str, list[FigureOnPage]] = {section: [] for section in get_args(SectionName)}
    for table in report.tables:
        tables[report_text().tables[table.identity].section].append(table)
    # a GIF is left to the clips, which show the same in fewer bytes
    still = [figure for figure in report.figures if not figure.files[0].endswith(".gif")]
    for figure in still:
        if figure.text.under is None:
            pictures[figure.text.section].append(figure)
    results, script = report.results, f"\n{_part('page.js')}"
    return _template().render(
        report=report,
        introduction=report_text().introduction,
        tally=Counter(one.outcome for one in found),
        tables=tables,
        pictures=pictures,
        embedded={figure.files: embed_picture(folder / figure.files[0]) for figure in still},
        reconstructions=_moving(strip_clips(shrink_clips(results.strips))) if results.strips else None,
        samples=_moving(sample_clips(shrink_clips(results.samples))) if results.samples else None,
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


def _moving(clips: dict[str, list[np.ndarray]]) -> ShownClips:
    """Rows of clips under their names."""
    return ShownClips(embed_clip(over_time(list(clips.values()), side=1)), tuple(clips))


def _clip_words(results: Results) -> list[WordsOfClip]:
    """The first test clips with their words; none for a run whose evaluation did not write them."""
    if not (results.strips and results.clip_words):
        return []
    strips, found = shrink_clips(results.strips), []
    for place, entry in enumerate(results.clip_words[:CLIPS_WITH_WORDS]):
        pair = [strips[name][place] for name in ("original", "sweettok")]
        moving = ShownClips(
            embed_clip(over_time([[clip] for clip in pair], side=1), SMALL_CLIP_BYTES), ("original", "SweetTok")
        )
        still = ShownClips(embed_array(np.concatenate([frame_strip(clip, side=1) for clip in pair])))
        frames, lists = frame_places(len(pair[0])), lists_of_clip(entry["words"], results)
        found.append(WordsOfClip(entry["clip"], entry["caption"], moving, still, frames, lists))
    return found
