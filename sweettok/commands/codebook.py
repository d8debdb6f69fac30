"""`sweettok codebook`: build a codebook from captions, look at its words."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import MODEL, add_json, invalid_option
from sweettok.commands.files import check_writable
from sweettok.errors import InputError, counted, one_line

if TYPE_CHECKING:
    from sweettok.language.codebook import Codebook

PLACES = ("outputs/codebook", f"{MODEL}/codebook")


def add(commands: Any) -> None:
    """Add the subcommand and its own ones to a parser's."""
    codebook = commands.add_parser("codebook", help="build a codebook from captions, or look up its words")
    actions = codebook.add_subparsers(required=True, metavar="ACTION")

    build = actions.add_parser(
        "build", help="build words by part of speech, their vectors and their graph from captions"
    )
    build.add_argument("captions", help=".txt (one per line), .tsv or .jsonl (with `caption`), each also .gz")
    build.add_argument("-o", "--output", default="codebook", metavar="FOLDER", help="default: codebook")
    build.add_argument("--split", help="only the captions of this split")
    build.add_argument("--min-count", type=int, default=1, help="drop words that occur less often (default: 1)")
    build.add_argument(
        "--max-words", type=int, help="keep this many words of each part of speech, the most frequent (default: all)"
    )
    build.add_argument(
        "--provider",
        metavar="NAME",
        default="minilm",
        help="source of the word vectors, as in codebook.provider (default: minilm)",
    )
    build.add_argument("--provider-path", help="the provider's weights: a folder, or a name on the hub")
    build.add_argument("--force", action="store_true", help="replace an existing codebook")
    build.set_defaults(run=_build)

    words = actions.add_parser("words", help="show the most frequent words of each part of speech")
    words.set_defaults(run=lambda chosen: _words(_open(chosen.codebook), chosen.most, chosen.json))
    word = actions.add_parser("word", help="look up a word: part of speech, count, nearest words, partners in captions")
    word.add_argument("word")
    word.set_defaults(run=lambda chosen: _word(_open(chosen.codebook), chosen.word, chosen.most, chosen.json))
    nearest = actions.add_parser("nearest", help="show the words whose vectors are most similar")
    nearest.add_argument("word")
    nearest.set_defaults(run=lambda chosen: _nearest(_open(chosen.codebook), chosen.word, chosen.most, chosen.json))
    for action in (words, word, nearest):
        action.add_argument("-k", "--most", type=_count, default=10, help="how many (default: 10)")
        action.add_argument(
            "--codebook", metavar="FOLDER", help=f"default: the first that exists of {', '.join(PLACES)}"
        )
    for action in (build, words, word, nearest):
        add_json(action)


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text!r}")
    return int(text)


def _open(folder: str | None) -> "Codebook":
    from sweettok.language.codebook import Codebook

    place = folder or next((place for place in PLACES if Path(place).is_dir()), PLACES[0])
    return Codebook.load(place)


def _build(chosen: argparse.Namespace) -> None:
    import pydantic

    from sweettok.language.captions import read_captions
    from sweettok.language.codebook import build_codebook
    from sweettok.params import Codebook as Settings

    folder = Path(chosen.output)
    if folder.exists() and not chosen.force:
        raise InputError(f"{folder} exists; add --force to replace it")
    if folder.is_dir() and (
        foreign := {path.name for path in folder.iterdir()} - {"codebook.json", "codebook.safetensors"}
    ):
        raise InputError(f"{folder} holds {min(foreign)}, which is not part of a codebook; choose another folder")
    check_writable(folder)
    try:
        settings = Settings(
            captions=chosen.captions, captions_split=chosen.split, min_count=chosen.min_count,
            max_words=chosen.max_words, provider=chosen.provider, provider_path=chosen.provider_path,
        )  # fmt: skip
    except pydantic.ValidationError as invalid:
        raise invalid_option(invalid.errors(), {"captions_split": "split"}) from invalid
    codebook = build_codebook(read_captions(chosen.captions, chosen.split), settings)
    codebook.save(folder)
    counts = {part: codebook.part_of_speech.count(part) for part in dict.fromkeys(codebook.part_of_speech)}
    described = ", ".join(counted(count, part) for part, count in counts.items())
    print(
        json.dumps({"output": str(folder), "captions": codebook.captions, "words": counts}, indent=1)
        if chosen.json
        else f"{one_line(folder)}: {described} from {counted(codebook.captions, 'caption')}, vectors by {codebook.provider}"
    )


def _words(codebook: "Codebook", most: int, as_json: bool) -> None:
    from sweettok.language.tables import frequent_words

    table = frequent_words(codebook, most)
    print(table.to_json(orient="records", indent=1) if as_json else table.to_string(index=False))


def _nearest(codebook: "Codebook", word: str, most: int, as_json: bool) -> None:
    found = codebook.nearest(word, most)
    if as_json:
        print(json.dumps([{"word": other, "cosine": cosine} for other, cosine in found], indent=1))
    for other, cosine in found if not as_json else ():
        print(f"{cosine:6.3f} {other}")


def _word(codebook: "Codebook", word: str, most: int, as_json: bool) -> None:
    """All that the codebook knows of a word; one of two parts of speech has two entries."""
    nearest = codebook.nearest(word, most)  # refuses a word that is not there
    entries: list[dict[str, Any]] = [
        {
            "word": word,
            "part_of_speech": codebook.part_of_speech[at],
            "count": int(codebook.counts[at]),
            "partners": _partners(codebook, at, most),
        }
        for at, other in enumerate(codebook.words)
        if other == word
    ]
    if as_json:
        print(
            json.dumps(
                {"entries": entries, "nearest": [{"word": name, "cosine": cos} for name, cos in nearest]}, indent=1
            )
        )
        return
    for entry in entries:
        print(
            f"{word}: {entry['part_of_speech']}, {counted(entry['count'], 'time')} in {counted(codebook.captions, 'caption')}"
        )
        print("  with: " + (", ".join(f"{other} x{count}" for other, count in entry["partners"].items()) or "none"))
    print("  near: " + ", ".join(f"{other} {cosine:.2f}" for other, cosine in nearest))


def _partners(codebook: "Codebook", at: int, most: int) -> dict[str, int]:
    """The words that share most captions with word number `at`, with the number of those captions."""
    edges = zip(codebook.edges.tolist(), codebook.edge_counts.tolist(), strict=True)
    shared = [(codebook.words[b if a == at else a], count) for (a, b), count in edges if at in (a, b)]
    return dict(sorted(shared, key=lambda partner: (-partner[1], partner[0]))[:most])
