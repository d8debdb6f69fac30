"""Weights: by path and sha256, by resumable download, and never by unpickling objects."""

import hashlib
import http.server
import pickle
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sweettok import weights
from sweettok.errors import InputError
from sweettok.params import WeightsSource
from sweettok.weights import MissingWeights, PublishedFile, WeightsFile, download, fit_state, load_state, locate

CONTENT = bytes(range(256)) * 5000  # 1.28 MB: more than one piece
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; may break off after `breaks_at` bytes, ignore ranges, or redirect."""

    breaks_at = None
    knows_ranges = True
    asked = []

    def do_GET(self):
        start = 0
        requested = self.headers.get("Range")
        type(self).asked.append(requested)
        if requested and self.knows_ranges:
            start = int(requested.removeprefix("bytes=").rstrip("-"))
            if start >= len(CONTENT):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : self.breaks_at])

    def log_message(self, *_):
        pass


@pytest.fixture
def url(monkeypatch):
    """A local server without TLS, which only these tests may use."""
    monkeypatch.setattr(weights, "SCHEMES", ("http",))
    for name, value in {"breaks_at": None, "knows_ranges": True, "asked": []}.items():
        monkeypatch.setattr(Server, name, value)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/file.bin"
    server.shutdown()
    server.server_close()
    thread.join()


def source(path=None, sha256=None, download=False):
    return WeightsSource(path=None if path is None else str(path), sha256=sha256, download=download)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_download(url, tmp_path):
    download(url, tmp_path / "cache" / "file", SHA256)
    assert (tmp_path / "cache" / "file").read_bytes() == CONTENT and names(tmp_path / "cache") == ["file"]
    download(url, tmp_path / "cache" / "file", SHA256)
    assert Server.asked == [None], "what is here is not fetched again"


def test_interrupted_download_continues(url, tmp_path, monkeypatch):
    monkeypatch.setattr(Server, "breaks_at", 1_100_000)
    with pytest.raises(InputError, match=f"{url} .*again"):
        download(url, tmp_path / "file", SHA256)
    kept = (tmp_path / "file.partial").stat().st_size
    assert 0 < kept < len(CONTENT) and names(tmp_path) == ["file.partial"]
    monkeypatch.setattr(Server, "breaks_at", None)
    download(url, tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT and names(tmp_path) == ["file"]
    assert Server.asked == [None, f"bytes={kept}-"]


def test_download_continues_where_only_the_rename_was_missing(url, tmp_path):
    (tmp_path / "file.partial").write_bytes(CONTENT)
    download(url, tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_server_without_ranges_starts_over(url, tmp_path, monkeypatch):
    monkeypatch.setattr(Server, "knows_ranges", False)
    (tmp_path / "file.partial").write_bytes(b"half of it")
    download(url, tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_wrong_content_is_thrown_away(url, tmp_path):
    with pytest.raises(InputError, match=f"{url} .*{SHA256}, .*{'0' * 64}"):
        download(url, tmp_path / "file", "0" * 64)
    assert names(tmp_path) == []


def test_only_https(tmp_path):
    for bad in ("http://example.org/x", "file:///etc/passwd", "ftp://example.org/x"):
        with pytest.raises(InputError, match=f"{bad}: .*https .*path"):
            download(bad, tmp_path / "file", SHA256)
    assert names(tmp_path) == []


def test_no_connection_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "SCHEMES", ("http",))
    with pytest.raises(InputError, match="http://127.0.0.1:9/x .*again") as caught:
        download("http://127.0.0.1:9/x", tmp_path / "file", SHA256)
    assert "\n" not in str(caught.value)


PUBLISHED = (PublishedFile("net.bin", SHA256, None), PublishedFile("other.bin", None, None))


def test_a_file_by_path(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    for sha256 in (SHA256, None):
        found = locate("the net", PUBLISHED, source(tmp_path / "file", sha256))
        assert found == WeightsFile(tmp_path / "file", SHA256, "published")
    (tmp_path / "file").write_bytes(b"mine")
    mine = hashlib.sha256(b"mine").hexdigest()
    assert locate("the net", PUBLISHED, source(tmp_path / "file", mine)).standing == "unlisted"
    assert locate("the net", PUBLISHED, source(tmp_path / "file")).standing == "unverified"


def test_what_a_metric_may_be_called():
    expected = {"published": "fvd", "unlisted": "fvd/unlisted-abababab", "unverified": "frechet_video/x"}
    for standing, name in expected.items():
        assert WeightsFile(None, "ab" * 32, standing).label("fvd", "frechet_video/x") == name


def test_wrong_or_absent_file(tmp_path):
    (tmp_path / "file").write_bytes(b"other")
    with pytest.raises(MissingWeights, match=f"the net: .*file .*d9298.*, .*{SHA256}"):
        locate("the net", PUBLISHED, source(tmp_path / "file", SHA256))
    with pytest.raises(MissingWeights, match=f"absent .*exist; .*net.bin .*{SHA256}"):
        locate("the net", PUBLISHED, source(tmp_path / "absent"))
    with pytest.raises(MissingWeights, match=f"{tmp_path} .*folder; .*net.bin"):
        locate("the net", PUBLISHED, source(tmp_path))
    with pytest.raises(MissingWeights, match="the net: .*download .*net.bin"):
        locate("the net", PUBLISHED, source(download=True))


def test_download_only_where_allowed(url, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEETTOK_CACHE", str(tmp_path))
    published = (PublishedFile("net.bin", SHA256, url),)
    with pytest.raises(MissingWeights, match="the net: .*download .*false"):
        locate("the net", published, source())
    found = locate("the net", published, source(download=True))
    assert found.path.read_bytes() == CONTENT and found.standing == "published" and len(Server.asked) == 1
    assert locate("the net", published, source()) == found, "once here, no download needs to be allowed"
    with pytest.raises(MissingWeights, match="the net: no download"):
        locate("the net", published, source(sha256="0" * 64, download=True))
    found.path.write_bytes(b"damaged")
    with pytest.raises(MissingWeights, match="net.bin .*damaged .*delete"):
        locate("the net", published, source(download=True))


def test_sha256_in_params_must_be_one():
    with pytest.raises(ValueError, match="sha256"):
        source(sha256="abc")


STATE = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.tensor(3)}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_format_gives_the_same_tensors(tmp_path):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Linear(3, 2, bias=False)
            self.a.weight.data = STATE["a.weight"].clone()
            self.register_buffer("b", STATE["b"].clone())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.a(x) + self.b

    save_file(STATE, tmp_path / "x.safetensors")
    np.savez(tmp_path / "x.npz", **{name: tensor.numpy() for name, tensor in STATE.items()})
    torch.save(STATE, tmp_path / "x.pt")
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)  # as files of 2020 are
    torch.jit.script(Net()).save(str(tmp_path / "script.pt"))
    for path in tmp_path.iterdir():
        state = load_state(path)
        assert set(state) == set(STATE), path
        assert all(torch.equal(state[name], tensor) for name, tensor in STATE.items()), path


class Malicious:
    ran = False

    def __reduce__(self):
        return (setattr, (Malicious, "ran", True))


def test_nothing_is_unpickled(tmp_path):
    (tmp_path / "x.pt").write_bytes(pickle.dumps(Malicious()))
    torch.save({"a": Malicious()}, tmp_path / "y.pt")
    np.savez(tmp_path / "z.npz", a=np.array([Malicious()], dtype=object))
    for name in ("x.pt", "y.pt", "z.npz"):
        with pytest.raises(InputError, match=f"{name} .*weights"):
            load_state(tmp_path / name)
    assert not Malicious.ran


@pytest.mark.parametrize("name", ["x.pt", "x.npz", "x.safetensors"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"<html>not found</html>"])
def test_damaged_files_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} .*weights") as caught:
        load_state(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_is_not_a_state_dict(tmp_path):
    torch.save({"epoch": 3, "model": STATE}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="x.pt .*state dict .*epoch, model"):
        load_state(tmp_path / "x.pt")
    torch.save([1, 2], tmp_path / "y.pt")
    with pytest.raises(InputError, match="y.pt .*state dict .*list"):
        load_state(tmp_path / "y.pt")
    with pytest.raises(InputError, match="absent.pt .*exist"):
        load_state(tmp_path / "absent.pt")


def test_fit_state_names_what_differs():
    shapes = {"a.weight": (2, 3), "b": ()}
    assert fit_state("the net", STATE, shapes) is STATE
    with pytest.raises(InputError, match="the net: .*lacks c, .*unknown b, .*shapes .*: a.w"):
        fit_state("the net", STATE, {"a.weight": (3, 2), "c": ()})
