"""Is VGG16 fine-tuned in memory of its own, and is what comes a VGG16 to every engine and to Keras' form of files?"""

import json

import numpy as np
import pytest
import torch

from flarescope.backbones.tuned import tuned_weights
from flarescope.backbones.vgg16 import VGG16
from flarescope.backbones.weight_arrays import digest_of
from flarescope.finetuning.network import unfrozen
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.forecaster import classifier
from flarescope.forecaster.classifier import Classifier
from flarescope.forecaster.description import Description
from flarescope.forecaster.tuned_file import describe_change
from flarescope.heads.head import glorot_head

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("network")]  # the true network, drawn once


def test_of_vgg16_every_engine_takes_what_was_tuned_and_a_full_file_is_kerass(random_network, tmp_path, monkeypatch):
    tuned = unfrozen(random_network, glorot_head(4096, 0), TuneRecipe(start="fc2"), torch.device("cpu"), earlier={})
    assert set(tuned.trained) == {"fc2.weight", "fc2.bias"}
    before = random_network.load()["fc2.bias"].copy()
    with torch.no_grad():
        tuned.trained["fc2.bias"].add_(1.0)
    assert np.array_equal(random_network.load()["fc2.bias"], before)  # the frozen network's own memory
    weights = tuned_weights(random_network, tuned.change())
    assert weights.backbone is VGG16  # and so Winograd's and OpenVINO's graphs of it take its arrays
    assert np.allclose(weights.load()["fc2.bias"], before + 1)
    said = Description("random", weights.family, weights.digest, "reference-png", tuned=describe_change(weights, "fc2"))
    written = []
    monkeypatch.setattr(classifier, "write_full_model", lambda *values, **more: written.append((values, more)))
    Classifier(tuned.head, said, weights).save(tmp_path / "full.hdf5", full=True)
    ((_, arrays, *_), more), *_ = written
    described = json.loads(more["extra_attributes"][classifier.ATTRIBUTE])
    assert (described["family"], described["digest"]) == ("random:0+tuned", digest_of(arrays))
    assert "tuned" not in described  # nothing is to be looked for beside the arrays
