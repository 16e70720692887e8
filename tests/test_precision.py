"""Is an engine compared with PyTorch in fp32 by its features and by what it changes in the forecasts?"""

import json

import numpy as np
import pytest

from fakes import FakeEngine, use_fake_network, write_set
from flarescope.cli import main
from flarescope.engines import start as starting
from flarescope.heads.head import Head
from flarescope.pipeline.precision import REFERENCE, effect_of

LABELS = np.array([1, 1, 0, 0])


def head_of_the_first_feature():
    kernel = np.zeros((4096, 2), np.float32)
    kernel[0, 1] = 1
    return Head(kernel, np.zeros(2, np.float32))


def features(*first):
    rows = np.zeros((len(first), 4096), np.float32)
    rows[:, 0] = first
    return rows


def test_equal_features_change_nothing():
    rows = features(2, 3, -1, -4)
    found = effect_of("one", rows, rows, head_of_the_first_feature(), LABELS)
    assert (found.feature_error, found.worst_feature_error, found.largest_probability_change, found.changed) == (0,) * 4
    assert found.tss == found.reference_tss == 1


def test_errors_and_changes_are_counted_by_hand():
    reference, ours = features(2, 1, -1, -4), features(2, -1, -1, -5)
    found = effect_of("one", ours, reference, head_of_the_first_feature(), LABELS)
    assert found.images == 4
    assert found.feature_error == pytest.approx(np.sqrt(5 / 22))
    assert found.worst_feature_error == 2  # |-1 - 1| / |1|
    sigmoid = 1 / (1 + np.exp(-np.array([1.0, -1.0, -4.0, -5.0])))
    assert found.largest_probability_change == pytest.approx(sigmoid[0] - sigmoid[1])
    assert found.probability_change == pytest.approx((sigmoid[0] - sigmoid[1] + sigmoid[2] - sigmoid[3]) / 4)
    assert found.changed == 1
    assert (found.tss, found.reference_tss) == (0.5, 1)


def test_a_score_that_is_0_by_0_is_null_in_json():
    rows = features(1, 1)
    found = effect_of("one", rows, rows, head_of_the_first_feature(), np.array([1, 1]))
    assert found.to_json()["tss"] is None
    assert ("TSS", "nan") in found.lines()


def test_the_command_compares_the_chosen_engine_with_the_reference(tmp_path, capsys, monkeypatch):
    """A fake network whose "features" are 1 % larger wherever it is not the reference."""
    paths = write_set(tmp_path, regions={"train": [1121, 1122], "validation": [1123]})
    tables = ["--train", str(paths["train"]), "--validation", str(paths["validation"])]
    common = ["--images", str(paths["images"]), "--engine", "openvino", "--precision", "fp32"]
    use_fake_network(monkeypatch)
    assert main(["train", *tables, *common, "--out", str(tmp_path / "run"), "--backbone", "fake"]) == 0
    capsys.readouterr()
    started = []

    def start(choice, weights):
        started.append(choice.id)
        return FakeEngine(edit=lambda rows: np.multiply(rows, 1 if choice == REFERENCE else np.float32(1.01), out=rows))

    monkeypatch.setattr(starting, "make", start)
    assert (
        main(["engine", "compare", str(tmp_path / "run"), "--table", str(paths["validation"]), *common, "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert started == ["openvino-cpu-fp32", "torch-cpu-fp32"]
    assert found["engine"] == "openvino-cpu-fp32"
    assert found["images"] == 8
    assert found["feature_error"] == pytest.approx(0.01, rel=1e-3)
    assert found["worst_feature_error"] == pytest.approx(0.01, rel=1e-3)
    assert 0 < found["probability_change"] < 0.05
