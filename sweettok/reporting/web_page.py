"""reports/index.html: the report as one file that asks for nothing else. The templates, style and script: web/."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from sweettok.reporting.claims import Verdict
from sweettok.reporting.clip_words import clips_with_words, word_entries
from sweettok.reporting.embedded import embed_picture
from sweettok.reporting.facts import run_facts
from sweettok.reporting.origin import Origin
from sweettok.reporting.page import Report, how_made
from sweettok.reporting.pictures import FRAME_MILLISECONDS
from sweettok.reporting.players import sample_player, tokenizer_player
from sweettok.reporting.report_text import report_text
from sweettok.reporting.thresholds import reached
from sweettok.reporting.web_claims import forest_lines, verdict_counts
from sweettok.reporting.web_tables import web_table
from sweettok.reporting.word_lists import word_lists

PARTS = Path(__file__).parent / "web"
LEFT_OUT = (
    "forest.png",
    "samples.png",
    "samples.gif",
    "reconstruction.gif",
)  # the page shows the same as lines and as moving clips


def web_page(report: Report, found: Sequence[Verdict], folder: Path, origin: Origin) -> str:
    """The page as HTML; links to files are relative to reports/. folder: where the report's pictures lie."""
    results, script = report.results, f"\n{_part('page.js')}"
    figures = [figure for figure in report.figures if figure.files[0] not in LEFT_OUT]
    tables = [*report.tables, *([report.learned] if report.learned else [])]
    clips = clips_with_words(results)
    return _template().render(
        setting=results.setting,
        introduction=report_text().introduction,
        reached=reached(results),
        claims=report.claims,
        counts=verdict_counts(found),
        all_claims=len(found),
        forest=forest_lines(found, report.claims),
        tokenizers=tokenizer_player(results),
        samples=sample_player(results),
        frame_milliseconds=FRAME_MILLISECONDS,
        tables=[
            (web_table(table), [figure for figure in report.under(table) if figure in figures]) for table in tables
        ],
        figures=[figure for figure in figures if figure.text.under is None],
        embedded={figure.files: embed_picture(folder / figure.files[0]) for figure in figures},
        clips=clips,
        entries=word_entries(clips, results.codebook),
        words=word_lists(results),
        facts=[web_table(table) for table in run_facts(results, origin)],
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
    environment.filters["breakable"] = lambda name: Markup(
        str(escape(name)).replace("/", "/<wbr>").replace("_", "_<wbr>")
    )
    return environment.get_template("page.html")


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """What the browser may load: this script, the page's styles, embedded pictures; nothing from anywhere else."""
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    allowed = f"img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; {allowed}"
