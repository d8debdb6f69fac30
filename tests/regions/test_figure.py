"""The picture of text fidelity: of the evaluations that lie in a folder, whatever else lies there."""

import json

from sweettok.regions.figure import write_text_figure


def test_files_of_other_kinds_are_passed_over(tmp_path):
    points = [{"height": 6.0, "n": 3, "value": 0.5}, {"height": 12.0, "n": 4, "value": 0.75}]
    tokenizer = {"name": "a", "bits": 96.0}
    metrics = {"text/accuracy": {"protocol": {"by_height": points}}}
    right = {"tokenizer": tokenizer, "clips": {"fingerprint": "f"}, "metrics": metrics}
    (tmp_path / "right.json").write_text(json.dumps(right))
    (tmp_path / "count.json").write_text('{"clips": 3}')
    (tmp_path / "other.json").write_text(json.dumps(right | {"clips": {"fingerprint": "g"}, "metrics": {}}))
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "cut.json").write_text('{"clips"')
    write_text_figure(tmp_path, "f")
    assert (tmp_path / "text_accuracy.png").stat().st_size > 1000
