"""Clips side by side: each tokenizer and codec of the run, at its bits."""

from dataclasses import replace
from pathlib import Path

import pytest

from sweettok.reporting.collect import Results, collect
from sweettok.reporting.players import sample_player, tokenizer_player


@pytest.fixture(scope="module")
def results(complete_outputs: Path) -> Results:
    return collect(complete_outputs)


def test_each_tokenizer_at_its_bits(results: Results):
    codec = {"H.264, CRF 45, 627 bits": results.strips["original"]}
    player = tokenizer_player(replace(results, strips=results.strips | codec))
    tiles = [(tile.name, tile.facts) for tile in player.tiles]
    assert tiles[:3] == [
        ("original", "417,792 bits"),
        ("SweetTok", "512 bits"),
        ("SweetTok*", "2,880 bits, proxy, no compression"),
    ]
    assert tiles[-1] == ("H.264, CRF 45", "627 bits")
    assert len(tiles) == 1 + len(results.methods) + 1  # the ablation's shorter trainings stay out
    assert player.frames == 17 and player.clips[3] == "a red square, number 3"
    assert {(tile.film.width, tile.film.height) for tile in player.tiles} == {(17 * 32, 4 * 32)}


def test_clips_without_captions_are_shown_too(results: Results):
    assert tokenizer_player(replace(results, clip_words=None)).clips == ("", "", "", "")


def test_samples_have_a_tile_a_class(results: Results):
    player = sample_player(results)
    assert [tile.name for tile in player.tiles] == ["slide", "bounce", "rotate", "grow"]
    assert len(player.clips) == 3


def test_nothing_has_run():
    assert tokenizer_player(Results("test")) is None and sample_player(Results("test")) is None
