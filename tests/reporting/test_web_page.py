"""reports/index.html: well-formed, complete, asks for nothing else, and shows hostile text as text."""

import base64
import io
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweettok.reporting import write_report

VOID = {"meta", "link", "img", "source", "br", "hr", "input"}
HOSTILE = (
    """<script>alert("x")</script><img src=http://evil.example/x.png onerror='alert(1)'> `a` [b](http://c) "' & |"""
)


class Page(HTMLParser):
    """elements: (tag, attributes) in order; tables: rows of entry texts; text: all that is shown. ValueError: not well-formed."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.text = ""
        self._open: list[str] = []
        self._text: list[str] | None = None
        self.feed(html)
        self.close()
        if self._open:
            raise ValueError(f"never closed: {self._open}")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if len(dict(attrs)) != len(attrs):
            raise ValueError(f"an attribute of {tag} stands twice: {attrs}")
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._text = []

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"</{tag}> closes nothing at {self.getpos()}")
        if tag in ("td", "th"):
            self.tables[-1][-1].append("".join(self._text).strip())
            self._text = None

    def handle_data(self, data):
        if self._text is not None:
            self._text.append(data)
        if not {"script", "style"} & set(self._open):
            self.text += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(reports: Path) -> str:
    return (reports / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def markdown_tables(text: str) -> list[list[list[str]]]:
    """Rows of entry texts of every table, header first, as a reader of the rendered Markdown sees them."""
    tables: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        entries = re.split(r"(?<!\\)\|", line)[1:-1]
        if not inside:
            tables.append([])
        inside = True
        if not all(re.fullmatch(r" -+:? ", entry) for entry in entries):
            shown = [re.sub(r"\*\*(.+)\*\*", r"\1", entry.strip()) for entry in entries]
            tables[-1].append([entry.replace("\\|", "|").replace("\\*", "*") for entry in shown])
    return tables


def test_it_is_one_well_formed_document(html: str, page: Page):
    assert html.startswith("<!DOCTYPE html>")
    assert [len(page.attributes(tag)) for tag in ("html", "head", "body", "main", "h1", "title")] == [1] * 6
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    pointed_at = {name for _, attributes in page.elements if (name := attributes.get("aria-labelledby"))}
    pointed_at |= {link["href"][1:] for link in page.attributes("a") if link["href"].startswith("#")}
    assert pointed_at <= set(identities)


def test_every_table_of_the_markdown_is_there_with_the_same_entries(reports: Path, page: Page):
    tables = markdown_tables((reports / "README.md").read_text(encoding="utf-8"))
    assert len(tables) >= 12
    for header, *rows in tables:
        assert [[name or "row" for name in header], *rows] in page.tables


def test_nothing_is_fetched(page: Page, html: str):
    sources = [
        value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "srcset")
    ]
    assert sources and all(source.startswith("data:image/webp;base64,") for source in sources)
    assert {link["href"] for link in page.attributes("link")} == {"data:,"}
    assert not re.search(r"@import|url\(", html)
    policy = next(meta["content"] for meta in page.attributes("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")
    script = html.split("<script>")[1].split("</script>")[0]
    assert base64.b64encode(sha256(script.encode()).digest()).decode() in policy


def test_links_lead_to_files_of_the_report(reports: Path, page: Page):
    links = {link["href"] for link in page.attributes("a") if not link["href"].startswith("#")}
    assert {f"tables/T{n}.{suffix}" for n in range(1, 8) for suffix in ("csv", "tex", "md")} <= links
    assert "figures/training.svg" in links
    assert all((reports / link).is_file() for link in links)


def test_pictures_decode_and_have_words(page: Page):
    pictures = page.attributes("img")
    assert (
        len(pictures) == 9 + 2 + 4 * 2
    )  # figures, clips of all methods and classes, clips with words and their frames
    moving = []
    for picture in pictures:
        assert len(picture["alt"]) > 20
        with Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2], validate=True))) as image:
            assert image.size == (int(picture["width"]), int(picture["height"]))
            assert np.asarray(image.convert("RGB")).std() > 5
            moving.append(getattr(image, "n_frames", 1))
    assert moving.count(17) == 2 + 4 and set(moving) == {1, 17}


def test_clips_have_a_still_for_readers_who_want_no_motion(page: Page):
    stills = page.attributes("source")
    assert len(stills) == 2 + 4
    for still in stills:
        assert "prefers-reduced-motion" in still["media"]
        with Image.open(io.BytesIO(base64.b64decode(still["srcset"].partition(",")[2]))) as image:
            assert getattr(image, "n_frames", 1) == 1


def test_it_stays_under_a_megabyte(html: str):
    assert len(html.encode()) < 1_000_000


def test_headers_sort_by_button(page: Page):
    headers = sum(len(table[0]) for table in page.tables)
    assert headers > 60
    sorting = [button for button in page.attributes("button") if button.get("id") != "motion"]
    assert len(sorting) == headers
    assert all(button["type"] == "button" for button in sorting)


def test_sections_come_in_the_promised_order(page: Page):
    headings = [attributes["id"] for tag, attributes in page.elements if tag == "h2"]
    assert headings == [
        "verdicts",
        "tables",
        "reconstructions",
        "samples",
        "training",
        "semantics",
        "codebook",
        "facts",
    ]


def test_most_used_words_have_bars(page: Page):
    bars = [attributes["style"] for _, attributes in page.elements if attributes.get("class") == "bar"]
    lengths = [float(style.removeprefix("--length: ")) for style in bars]
    assert lengths and max(lengths) == 1 and min(lengths) > 0
    for part in ("adjective", "noun"):
        assert f"spatial tokens: {part}" in page.text


def test_clips_stand_beside_their_words(page: Page):
    assert "test-00003: a red square, number 3" in page.text and "number 4" not in page.text
    first = page.text.split("test-00000")[1].split("test-00001")[0]
    assert re.search(r"spatial tokens: adjective\s+red\s*2 \(50.0 %\)\s*dotted\s*1 \(25.0 %\)", first)
    assert re.search(r"temporal tokens: verb\s+slides\s*2 \(50.0 %\)\s*grows3\s*1 \(25.0 %\)", first)


def test_moving_rows_are_named_in_order(page: Page):
    rows = page.text.split("Reconstructions\n")[-1].split("Test clips and their reconstructions, moving")[0]
    names = ["original", "SweetTok", "SweetTok* (proxy", "mean colour", "full (ablation)", "coupled (ablation)"]
    places = [rows.index(name) for name in names]
    assert places == sorted(places)


def test_a_run_without_further_strips_or_words(fresh_outputs: Path, tmp_path: Path):
    """As runs before these were written: the page has what there is."""
    for file in ("reconstruction/sweettok/words.json", "ablation/coupled/0/strips.npz"):
        (fresh_outputs / file).unlink()
    write_report(fresh_outputs, tmp_path / "reports", "test")
    page = Page((tmp_path / "reports" / "index.html").read_text(encoding="utf-8"))
    assert len(page.attributes("img")) == 11
    clips = page.text.split("Reconstructions\n")[-1].split("Test clips and their reconstructions, moving")[0]
    assert "coupled (ablation)" not in clips and "full (ablation)" in clips


def test_hostile_text_is_shown_as_text(fresh_outputs: Path, tmp_path: Path):
    samples = dict(np.load(fresh_outputs / "generation" / "samples.npz"))
    samples["classes"] = np.array([HOSTILE, *samples["classes"][1:]])
    np.savez(fresh_outputs / "generation" / "samples.npz", **samples)

    def changed(part: str, change) -> None:
        path = fresh_outputs / part
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    changed("data/store.json", lambda content: content.update(dataset=HOSTILE))
    changed("semantics/summary.json", lambda content: content["few_shot"][0].update(task=HOSTILE))
    changed("semantics/summary.json", lambda content: content["probes"][0].update(factor=HOSTILE))
    changed("reconstruction/sweettok/words.json", lambda content: content[0].update(caption=HOSTILE))
    skipped = [{"metric": "fvd", "why": HOSTILE, "kind": "video"}]
    changed("reconstruction/sweettok/summary.json", lambda content: content.update(left_out=skipped))
    changed(
        "reconstruction/sweettok/summary.json",
        lambda content: content["codebook"]["spatial"]["labels"].__setitem__(0, HOSTILE),
    )
    write_report(fresh_outputs, tmp_path / "reports", "test")
    page = Page((tmp_path / "reports" / "index.html").read_text(encoding="utf-8"))
    assert len(page.attributes("script")) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert all(picture["src"].startswith("data:") for picture in page.attributes("img"))
    assert not [link for link in page.attributes("a") if "://" in link["href"]]
    assert page.text.count(HOSTILE) >= 5  # data set, class, task, word, caption; in a note its `a` is set as code
    assert """<script>alert("x")</script>""" in page.text.split("Left out: fvd: ")[1]


@pytest.mark.parametrize("kept", [(), ("codebook",), ("data", "joint")])
def test_a_run_that_has_only_begun(fresh_outputs: Path, tmp_path: Path, kept: tuple[str, ...]):
    outputs = tmp_path / "begun"
    outputs.mkdir()
    for part in kept:
        (fresh_outputs / part).rename(outputs / part)
    write_report(outputs, tmp_path / "reports")
    page = Page((tmp_path / "reports" / "index.html").read_text(encoding="utf-8"))
    assert "not run" in page.text.lower()
    assert len(page.attributes("img")) == (1 if "joint" in kept else 0)
