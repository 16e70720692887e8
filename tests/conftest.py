"""Which fixtures do several test files share?"""

import gc
import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings

from fakes import keep_commands, sync_at_once, train_three_epochs, use_fake_network, write_set
from flarescope.backbones import weights
from keras_model import import_keras, save_model

# How long an example takes, or is made, says how busy the machine is, and nothing about the code.
QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("untimed", max_examples=40, **QUIET)
settings.register_profile("thorough", max_examples=500, **QUIET)
settings.load_profile("thorough" if "FLARESCOPE_THOROUGH" in os.environ else "untimed")

keep_commands()
sync_at_once()
gc.disable()  # until all is imported and collected: it finds nothing there, in a sixth of that time


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items):
    """Give what a fixture of its module has to be made for to one worker, where no mark says which."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None and _of_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_finish():
    """Let no garbage collection look through what was imported and collected: 600,000 objects, a third of a second.

    What the tests make is looked through a tenth as often as is usual, which takes them 3 % of their time.
    """
    gc.freeze()
    gc.set_threshold(7_000)
    gc.enable()


def _of_its_module(item):
    found = getattr(item, "_fixtureinfo", None)
    made = [fixture for each in found.name2fixturedefs.values() for fixture in each] if found else []
    return any(fixture.scope == "module" and fixture.baseid == item.nodeid.partition("::")[0] for fixture in made)


@pytest.fixture
def interruptible():
    """Let Ctrl-C reach this process and those that it starts; a shell's background jobs are started without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def random_network():
    """The true VGG16 with random filters, `Weights` of `random:0`; mark the test `xdist_group("network")`.

    Drawing its 138 million numbers and their digest take seconds, so they are drawn once in a run.
    """
    return weights.random_weights(0)


@pytest.fixture
def packed_once(monkeypatch):
    """Pack weights once for all that a test starts, each in a second: the weights of one network alone."""
    from flarescope.engines.winograd import engine, filters

    kept = {}

    def prepare(arrays, target, workers):
        if target not in kept:
            kept[target] = filters.prepare(arrays, target, workers)
        return kept[target]

    monkeypatch.setattr(engine, "prepare", prepare)


@pytest.fixture
def random_network_everywhere(random_network, packed_once, monkeypatch):
    """Let `random` name the network that is there already."""
    monkeypatch.setattr(weights, "random_weights", {0: random_network}.__getitem__)
    return random_network


@pytest.fixture(scope="session")
def fake_run(tmp_path_factory):
    """A folder with a run of three epochs in `runs/r`, by a fake network, and its set, as `write_set` gives it.

    Copy the run before you change it; for what comes after training use the fake network too.
    """
    place = tmp_path_factory.mktemp("fake_run")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        regions = {"train": [1121, 1122, 1123, 1124], "validation": [1131, 1132, 1133], "test": [1141, 1142, 1143]}
        data = write_set(place / "set", regions=regions)
        train_three_epochs(data, place / "runs/r")
    return place, data


@pytest.fixture(scope="session")
def keras():
    """Keras on PyTorch; mark the test `@keras_model.needs_keras`."""
    return import_keras()


@pytest.fixture(scope="session")
def keras_model(keras, tmp_path_factory):
    """A `keras_model.SavedModel`, built once in a run; mark the test `@keras_model.needs_keras`.

    It has the paths `h5`, `keras` and `weights_h5`, the numbers `weights`, `head_kernel` and `head_bias`, and `pixels`
    with the `features` and `probabilities` that Keras computes of them.
    """
    folder = tmp_path_factory.mktemp("keras")
    yield save_model(keras, folder)
    shutil.rmtree(folder)  # 540 MB a file, which pytest would keep
