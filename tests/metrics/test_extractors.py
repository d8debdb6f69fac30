"""Extractors by name: which name a distance may carry, and that features depend on nothing but the clip."""

import hashlib
import json

import pytest
import torch

from sweettok.errors import InputError
from sweettok.metrics.extractors import EXTRACTORS, for_i3d, judge_extractor, open_extractor
from sweettok.metrics.i3d import I3D
from sweettok.metrics.networks import FILES, I3D_FILES
from sweettok.models.judge import Judge
from sweettok.params import WeightsSource
from sweettok.weights import PublishedFile


def source(path, sha256=None):
    return WeightsSource(path=None if path is None else str(path), sha256=sha256, download=False)


@pytest.fixture(scope="module")
def i3d_file(tmp_path_factory):
    """(path, sha256) of a state dict of random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "i3d.pt"
    torch.save(I3D().state_dict(), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_listed_weights_make_an_fvd(i3d_file, monkeypatch):
    path, sha256 = i3d_file
    assert open_extractor("i3d", source(path)).metric == "frechet_video/i3d-unverified"
    assert open_extractor("i3d", source(path, sha256)).metric == f"fvd/unlisted-{sha256[:8]}"
    monkeypatch.setitem(FILES, "i3d", ("I3D", (PublishedFile("i3d.pt", sha256, None),)))
    assert open_extractor("i3d", source(path)).metric == "fvd"
    with pytest.raises(InputError, match=f"{sha256}, .*{'0' * 64}"):
        open_extractor("i3d", source(path, "0" * 64))


def test_the_listed_sha256_is_stylegan_vs():
    assert {file.name: file.sha256 for file in I3D_FILES} == {
        "i3d_torchscript.pt": "bec6519f66ea534e953026b4ae2c65553c17bf105611c746d904657e5860a5e2",
        "i3d_pretrained_400.pt": None,
    }


def test_the_two_i3ds_differ_by_batch_norms_constant_only(i3d_file):
    """VideoGPT's copy of the network, behind OmniTokenizer's and SweetTok's FVD, adds 1e-5 where others add 1e-3."""
    both = [open_extractor(name, source(i3d_file[0])) for name in ("i3d", "i3d-videogpt")]
    assert [extractor.facts["batch_norm_eps"] for extractor in both] == [1e-3, 1e-5]
    first, second = (extractor.identity() for extractor in both)
    assert {key for key in first if first[key] != second[key]} == {"extractor", "batch_norm_eps"}
    clip = torch.rand(1, 3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    a, b = (extractor.features(clip) for extractor in both)
    assert a.shape == (1, 400) and not torch.equal(a, b)


def test_features_do_not_depend_on_the_batch_and_carry_no_gradient(i3d_file):
    extractor = open_extractor("i3d", source(i3d_file[0]))
    clips = torch.rand(3, 3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    together = extractor.features(clips.requires_grad_())
    alone = torch.cat([extractor.features(clips[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)
    assert not together.requires_grad and together.dtype == torch.float32
    with pytest.raises(ValueError, match=" 9 .* 8$"):
        extractor.features(clips[:, :, :8])


def test_resizing_for_i3d_is_frame_by_frame():
    clip = torch.rand(2, 3, 11, 20, 30, generator=torch.Generator().manual_seed(0))
    frames = torch.stack(
        [torch.nn.functional.interpolate(clip[:, :, t], (224, 224), mode="bilinear") for t in range(11)], dim=2
    )
    torch.testing.assert_close(for_i3d(clip), frames, rtol=0, atol=1e-6)


def test_the_judge_as_extractor():
    torch.manual_seed(0)
    judge = Judge({"class": 3}, width=4).eval()
    judge.fingerprint = "c" * 64
    video, image = (judge_extractor(judge, kind) for kind in ("video", "image"))
    assert video.metric == "frechet_video/judge" and image.metric == "frechet_image/judge"
    clip = torch.rand(2, 3, 5, 32, 32) * 2 - 1
    assert torch.equal(video.features(clip), judge.video_features(clip).detach())
    assert image.features(clip[:, :, :1]).shape == (2, image.dims) and video.sha256 == "c" * 64


@pytest.mark.parametrize("name", EXTRACTORS)
def test_without_weights_the_error_says_where_to_get_them(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"sha256 .*path") as caught:
        open_extractor(name, source(None))
    assert "\n" not in str(caught.value)


def test_unknown_extractor():
    with pytest.raises(InputError, match="'c3d' .*i3d, i3d-videogpt, inception, squeezenet1_0"):
        open_extractor("c3d", source(None))


def test_identity_is_plain_json(i3d_file):
    identity = open_extractor("i3d", source(i3d_file[0])).identity()
    assert json.loads(json.dumps(identity)) == identity and identity["weights_sha256"] == i3d_file[1]
