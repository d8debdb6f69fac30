"""What tasks on clips share."""

from sweettok.training.store_task import RunningMeans


def test_means_are_weighted_by_samples():
    means = RunningMeans()
    means.add({"a": 1.0}, 3)
    means.add({"a": 5.0}, 1)
    assert means.means() == {"a": 2.0}
