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
from sweettok.reporting.embedded import SMALL_CLIP_BYTES, Embedded, embed_array, embed_clip, embed_picture, made_small
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
        tally=Counter(one.ruling.verdict for one in found),
        tables=tables,
        pictures=pictures,
        embedded={figure.files: embed_picture(folder / figure.files[0]) for figure in still},
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
        original, reconstructed = (strips[name][place] for name in ("original", "sweettok"))
        about = f"of the test clip above its reconstruction, {entry['clip']}: {entry['caption']}"
        moving = embed_clip(over_time([[original], [reconstructed]], side=1), SMALL_CLIP_BYTES)
        still = embed_array(np.concatenate([frame_strip(original, side=1), frame_strip(reconstructed, side=1)]))
        frames = f"Frames {', '.join(map(str, frame_places(len(original))))}."
        found.append(
            WordsOfClip(
                entry["clip"],
                entry["caption"],
                ShownClips(moving, f"Animation {about}", "Moving.", ("original", "SweetTok")),
                ShownClips(still, f"Frames {about}", frames, ()),
                lists_of_clip(entry["words"], results),
            )
        )
    return found
