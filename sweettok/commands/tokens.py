"""`sweettok encode`, `decode`, `reconstruct`, `words`: videos and images <-> token files."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweettok.commands.arguments import add_fit, add_inputs, add_json, add_model, add_output, existing, open_model
from sweettok.commands.files import Input, find_inputs, place_outputs, run_jobs
from sweettok.errors import InputError, counted, one_line
from sweettok.video.formats import IMAGES, VIDEOS

if TYPE_CHECKING:
    from sweettok.api.model import SweetTok
    from sweettok.api.token_file import Fit, VideoTokens

FRAMES = (*VIDEOS, *IMAGES)
TOKENS = ".swt"  # these endings are those of sweettok.api, repeated to keep --help fast; the tests compare them
WRITTEN = (".mp4", ".mkv", ".gif", ".png")


def add(commands: Any) -> None:
    """Add the four subcommands to a parser's."""
    encode = commands.add_parser("encode", help="encode videos and images to token files (.swt)")
    add_inputs(encode, "videos and images")
    add_output(encode, "tokens", (TOKENS,))
    add_fit(encode)
    encode.set_defaults(run=_encode)

    decode = commands.add_parser("decode", help="decode token files to videos and images")
    add_inputs(decode, "token files")
    _add_written(decode, "decoded")
    decode.set_defaults(run=_decode)

    reconstruct = commands.add_parser(
        "reconstruct", help="encode and decode in one step: see what the model keeps of a video"
    )
    add_inputs(reconstruct, "videos and images")
    _add_written(reconstruct, "reconstructed")
    add_fit(reconstruct)
    reconstruct.set_defaults(run=_reconstruct)

    words = commands.add_parser("words", help="print the words that videos, images or token files are made of")
    add_inputs(words, "videos, images or token files")
    add_fit(words)
    words.set_defaults(run=_words)
    for parser in (encode, decode, reconstruct, words):
        add_model(parser)
        add_json(parser)


def _add_written(parser: argparse.ArgumentParser, default: str) -> None:
    add_output(parser, default, WRITTEN)
    parser.add_argument(
        "--format",
        choices=[ending[1:] for ending in WRITTEN],
        help="format of files in a folder (default: mp4; for images png)",
    )
    parser.add_argument(
        "--original-size", action="store_true", help="write at the original's size instead of the model's"
    )


def _encode(chosen: argparse.Namespace) -> int:
    inputs = find_inputs(chosen.inputs, FRAMES)
    jobs = place_outputs(inputs, chosen.output, lambda _: TOKENS, (TOKENS,), existing(chosen))
    model = open_model(chosen)
    return run_jobs(jobs, partial(_encode_one, model, chosen.fit), "encode", chosen.json, _size_line)


def _encode_one(model: "SweetTok", fit: "Fit", job: tuple[Input, Path]) -> dict[str, Any]:
    source, target = job
    tokens = model.encode_video(source.path, fit)
    tokens.save(target)
    return {"input": str(source.path), "output": str(target), "bytes": target.stat().st_size, **tokens.facts()}


def _size_line(result: dict[str, Any]) -> str:
    size = f"{counted(result['frames'], 'frame')}, {counted(result['tokens'], 'token')}, {result['bits']:.0f} bits"
    stored = f"{result['payload_bytes']} bytes of tokens, {result['bytes']} of file"
    return one_line(f"{result['input']} -> {result['output']}: {size}; {stored}")


def _decode(chosen: argparse.Namespace) -> int:
    from sweettok.api.token_file import VideoTokens

    inputs = find_inputs(chosen.inputs, (TOKENS,))
    jobs = place_outputs(inputs, chosen.output, lambda one: _ending(chosen, _of_image(one)), WRITTEN, existing(chosen))
    model = open_model(chosen)

    def work(job: tuple[Input, Path]) -> dict[str, Any]:
        return _show(model, VideoTokens.load(job[0].path), job, chosen.original_size)

    return run_jobs(jobs, work, "decode", chosen.json, _frames_line)


def _reconstruct(chosen: argparse.Namespace) -> int:
    inputs = find_inputs(chosen.inputs, FRAMES)
    jobs = place_outputs(
        inputs, chosen.output, lambda one: _ending(chosen, one.path.suffix.lower() in IMAGES), WRITTEN, existing(chosen)
    )
    model = open_model(chosen)

    def work(job: tuple[Input, Path]) -> dict[str, Any]:
        return _show(model, model.encode_video(job[0].path, chosen.fit), job, chosen.original_size)

    return run_jobs(jobs, work, "reconstruct", chosen.json, _frames_line)


def _of_image(one: Input) -> bool:
    from sweettok.api.token_file import VideoTokens

    try:
        return VideoTokens.load(one.path).frames == 1
    except InputError:  # reported when its turn comes
        return False


def _ending(chosen: argparse.Namespace, is_image: bool) -> str:
    return f".{chosen.format}" if chosen.format else ".png" if is_image else ".mp4"


def _show(model: "SweetTok", tokens: "VideoTokens", job: tuple[Input, Path], original_size: bool) -> dict[str, Any]:
    """Decode tokens and write them as a picture or video."""
    from sweettok.api.writing import write_frames

    source, target = job
    write_frames(target, model.decode_video(tokens, original_size), tokens.fps)
    return {"input": str(source.path), "output": str(target), **tokens.facts()}


def _frames_line(result: dict[str, Any]) -> str:
    size = f"{counted(result['frames'], 'frame')}, {result['bits']:.0f} bits"
    return one_line(f"{result['input']} -> {result['output']}: {size}")


def _words(chosen: argparse.Namespace) -> int:
    inputs = find_inputs(chosen.inputs, (*FRAMES, TOKENS))
    model = open_model(chosen)
    return run_jobs(inputs, partial(_words_of, model, chosen.fit), "words", chosen.json, _words_line)


def _words_of(model: "SweetTok", fit: "Fit", one: Input) -> dict[str, Any]:
    from sweettok.api.token_file import VideoTokens

    if model.model.config.quantizer != "language":
        raise InputError(
            "the tokens of this model are not words, because its codebook is learned; give a model with a language codebook"
        )
    is_tokens = one.path.suffix.lower() == TOKENS
    tokens = VideoTokens.load(one.path) if is_tokens else model.encode_video(one.path, fit)
    return {"input": str(one.path), "window_frames": tokens.window, "windows": model.video_words(tokens)}


def _words_line(result: dict[str, Any]) -> str:
    """A paragraph a file: for each window and token group its words, the most frequent first, with their counts."""
    from collections import Counter

    lines = [one_line(result["input"])]
    for number, window in enumerate(result["windows"]):
        for group, words in window.items():
            times = (f"{word} x{count}" if count > 1 else word for word, count in Counter(words).most_common())
            lines.append(f"  from frame {number * result['window_frames']}, {group}: {', '.join(times)}")
    return "\n".join(lines)
