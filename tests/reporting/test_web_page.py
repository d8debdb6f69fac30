"""reports/index.html: well-formed, complete, asks for nothing else, and shows hostile text as text."""

import base64
import io
import json
import re
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweettok.reporting import write_report
from sweettok.reporting.claims import verdicts
from sweettok.reporting.collect import collect
from sweettok.reporting.tables import all_tables
from sweettok.reporting.web_tables import web_table

VOID = {"meta", "link", "img", "source", "br", "hr", "input", "wbr"}
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
            self.tables[-1][-1].append(" ".join("".join(self._text).split()))
            self._text = None

    def handle_data(self, data):
        if self._text is not None and "sup" not in self._open:  # of a protocol, for paper
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


def test_it_is_one_well_formed_document(html: str, page: Page):
    assert html.startswith("<!DOCTYPE html>")
    assert [len(page.attributes(tag)) for tag in ("html", "head", "body", "main", "h1", "title")] == [1] * 6
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    pointed_at = {name for _, attributes in page.elements if (name := attributes.get("aria-labelledby"))}
    pointed_at |= {name for _, attributes in page.elements if (name := attributes.get("aria-controls"))}
    pointed_at |= {link["href"][1:] for link in page.attributes("a") if link["href"].startswith("#")}
    assert pointed_at <= set(identities)


def test_every_table_is_there_with_its_rows_and_protocols(complete_outputs: Path, page: Page):
    for table in map(web_table, all_tables(collect(complete_outputs, "test"))):
        assert f"{table.identity}: {table.title}" in page.text
        rows = []
        for title, said, lines in table.blocks:
            rows += [[f"{title}: {said}".replace("`", "") if said else title]] if title else []
            rows += [[" ".join(filter(None, (cell.text, cell.below))) for cell in row] for row in lines]
        assert any(found[-len(rows) :] == rows for found in page.tables)
    numbers = {button["popovertarget"] for button in page.attributes("button") if "popovertarget" in button}
    assert numbers == {found["id"] for found in page.attributes("div") if "popover" in found} and len(numbers) > 20


def test_headings_say_which_way_is_better(page: Page):
    header = next(row for table in page.tables for row in table if "rFVD \u2193, lower is better" in row)
    assert "PSNR dB \u2191, higher is better" in header


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
    sizes = []
    for picture in pictures:
        assert len(picture["alt"]) > 15
        with Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2], validate=True))) as image:
            assert image.size == (int(picture["width"]), int(picture["height"]))
            assert np.asarray(image.convert("RGB")).std() > 5
            sizes.append(image.size)
    films, frames = 7, 4 * 5  # the original and six tokenizers, four clips each; four clips of five latent frames
    assert sizes.count((17 * 32, 4 * 32)) == films and sizes.count((32, 32)) == frames
    assert sizes.count((17 * 32, 3 * 32)) == 4  # classes with three samples each
    assert (
        len(sizes) == films + frames + 4 + 7
    )  # figures: all but the claims and the samples, which are shown otherwise


def test_it_stays_under_two_megabytes(html: str):
    assert len(html.encode()) < 2_000_000


def test_headers_sort_by_button(page: Page):
    headers = [attributes for attributes in page.attributes("th") if attributes["scope"] == "col"]
    plain = {"type": "button"}
    assert len(headers) > 60 and sum(button == plain for button in page.attributes("button")) >= len(headers)


def test_sections_come_in_the_promised_order(page: Page):
    headings = [attributes["id"] for tag, attributes in page.elements if tag == "h2"]
    assert headings == ["verdicts", "results", "words", "samples", "figures", "facts"]
    tags = [tag if tag != "div" else attributes.get("class", "") for tag, attributes in page.elements]
    order = [tags.index(tag) for tag in ("h1", "player", "forest", "table")]
    assert order == sorted(order)


def test_the_first_sentence_counts_the_verdicts(complete_outputs: Path, page: Page):
    counts = Counter(one.outcome for one in verdicts(collect(complete_outputs)))
    sentence = " ".join(page.text.split("SweetTok turns a video")[1].split("Thresholds: ")[0].split())
    for outcome in ("supported", "contradicted", "inconclusive"):
        assert f"{counts[outcome]} {outcome}" in sentence
    assert sentence.endswith(f"{counts['not run']} not tested in this run.")


def test_missed_thresholds_are_on_the_first_screen(page: Page):
    top = page.text.split("Contents")[0].split("Test clips")[0]
    assert "retention of SweetTok: motion is 0.8000, at least 0.9 is required" in " ".join(top.split())


def test_why_a_verdict_is_what_it_is_opens_with_its_line(complete_outputs: Path, page: Page):
    plot = page.text.split("What became of the claims\n")[1].split("How to read this")[0]
    tested = [one for one in verdicts(collect(complete_outputs)) if one.outcome != "not run"]
    assert plot.count("what would change it") == len(tested) > 2
    assert all(one.claim.statement in plot for one in tested)


def test_most_used_words_have_bars(page: Page):
    bars = [attributes["style"] for _, attributes in page.elements if attributes.get("class") == "bar"]
    lengths = [float(style.removeprefix("--length: ")) for style in bars]
    assert lengths and max(lengths) == 1 and min(lengths) > 0
    for part in ("adjective", "noun"):
        assert f"spatial tokens: {part}" in page.text


def test_clips_stand_over_their_words(page: Page):
    assert "a red square, number 3" in page.text and "number 4" not in page.text
    grids = [attributes for attributes in page.attributes("div") if attributes.get("class") == "tokens"]
    assert len(grids) == 4 * 2
    assert [(grid["data-group"], grid["data-first"], grid["data-last"]) for grid in grids[:2]] == [
        ("spatial", "0", "0"),
        ("temporal", "1", "4"),
    ]
    assert re.search(r"slides\s*verb; nearest: \w+ [\d.]+", page.text)


def test_a_run_without_words(fresh_outputs: Path, tmp_path: Path):
    (fresh_outputs / "reconstruction/sweettok/words.json").unlink()
    write_report(fresh_outputs, tmp_path / "reports", "test")
    page = Page((tmp_path / "reports" / "index.html").read_text(encoding="utf-8"))
    assert not [attributes for attributes in page.attributes("div") if attributes.get("class") == "tokens"]
    assert len([attributes for attributes in page.attributes("div") if attributes.get("class") == "player"]) == 2


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
    changed("reconstruction/sweettok/words.json", lambda content: content["clips"][0].update(caption=HOSTILE))
    changed(
        "reconstruction/sweettok/words.json",
        lambda content: content["clips"][0]["words"]["spatial"].__setitem__(0, HOSTILE),
    )
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
