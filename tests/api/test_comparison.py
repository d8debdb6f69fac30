"""Which files are compared: partners by name, one shape, one length; what is refused names the option which helps."""

import pytest

from sweettok.api.comparison import FolderClips, open_comparison
from sweettok.errors import InputError


@pytest.fixture
def folders(scene, write_video, tmp_path):
    """Three videos of 9 frames, 16 x 16, each twice."""
    for side in ("real", "generated"):
        for number in range(3):
            write_video(tmp_path / side / f"{number}.mkv", scene(9, 16, 16, seed=number))
    return tmp_path / "real", tmp_path / "generated"


def test_files_without_partner_or_with_one_name(scene, write_video, tmp_path):
    write_video(tmp_path / "a" / "x.mkv", scene(2))
    write_video(tmp_path / "a" / "y.mkv", scene(2))
    write_video(tmp_path / "b" / "x.mkv", scene(2))
    with pytest.raises(InputError, match="1 file .*first y .*a; .*--unpaired"):
        open_comparison(tmp_path / "a", tmp_path / "b", True, None, None)
    write_video(tmp_path / "b" / "x.avi", scene(2))
    with pytest.raises(InputError, match=r"x\.avi .*x\.mkv"):
        open_comparison(tmp_path / "a", tmp_path / "b", False, None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty .*\.mp4"):
        open_comparison(tmp_path / "a", tmp_path / "empty", True, None, None)
    with pytest.raises(InputError, match="folders"):
        open_comparison(tmp_path / "a", tmp_path / "b" / "x.avi", True, None, None)


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints/0-checkpoint.mkv", "._0.mkv", "more/.trash/7.mkv"])
def test_hidden_files_and_folders_are_left_out(folders, scene, write_video, hidden):
    write_video(folders[1] / hidden, scene(9, 16, 16))
    assert len(open_comparison(*folders, True, None, None).generated) == 3
    assert len(open_comparison(*folders, False, None, None).generated) == 3


def test_the_fingerprint_follows_content_and_treatment(folders):
    files = open_comparison(*folders, True, None, None).real
    fingerprints = {
        FolderClips(files, 9, 16).fingerprint,
        FolderClips(files, 8, 16).fingerprint,
        FolderClips(files, 9, 8).fingerprint,
        FolderClips(files[1:], 9, 16).fingerprint,
        FolderClips(files, 9, 16, fit="stretch").fingerprint,
    }
    assert len(fingerprints) == 5 and FolderClips(files, 9, 16).fingerprint in fingerprints


def test_skipping_pairs_takes_the_partner_along(folders, scene, write_video):
    write_video(folders[1] / "1.mkv", scene(4, 16, 16))
    compared = open_comparison(*folders, True, 9, None, skip_shorter=True)
    assert compared.names == ("0", "2") and [file.path.stem for file in compared.real] == ["0", "2"]
    assert [file.path for file in compared.skipped] == [folders[1] / "1.mkv"] and compared.skipped_pairs == 1
    apart = open_comparison(*folders, False, 9, None, skip_shorter=True)
    assert len(apart.real) == 3 and len(apart.generated) == 2
    assert [file.path for file in apart.skipped] == [folders[1] / "1.mkv"] and apart.skipped_pairs == 0


@pytest.mark.parametrize(
    "options, named",
    [
        ({"frames": None, "size": None, "skip_shorter": True}, "--skip-shorter needs --frames N"),
        ({"frames": 10, "size": None, "skip_shorter": True}, " 10 .*--frames"),
        ({"frames": None, "size": None, "fit": "stretch"}, "--fit stretch needs --size N"),
    ],
)
def test_options_that_need_others(folders, options, named):
    with pytest.raises(InputError, match=named):
        open_comparison(*folders, True, **options)


@pytest.mark.parametrize("paired", [True, False])
def test_proportions_may_differ_by_rounding_only(folders, scene, write_video, paired):
    for side, (height, width) in zip(folders, [(48, 64), (17, 23)], strict=True):  # 64 x 17 / 48 = 22.7
        write_video(side / "0.mkv", scene(9, height, width))
    assert open_comparison(*folders, paired, None, 16).fit == "crop"
    write_video(folders[1] / "0.mkv", scene(9, 16, 24))
    with pytest.raises(InputError, match=r"\(64x48\) .*\((24x16|16x16)\) .*--fit"):
        open_comparison(*folders, paired, None, 16)
    assert open_comparison(*folders, paired, None, 16, "stretch").fit == "stretch"
