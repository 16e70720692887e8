"""Is what fine-tuning makes a run like any other, with the same bytes after a kill, that holds what changed alone?"""

import errno
import json
import shutil
from dataclasses import replace
from importlib.util import find_spec

import fsspec
import h5py
import numpy as np
import pandas as pd
import pytest
import torch

import flarescope
from fakes import Heard, draw_blank, write_set
from flarescope.backbones import efficientnet_lite_weights as lite
from flarescope.backbones.base import Network, Weights
from flarescope.backbones.tuned import Change, TunedWeights, tuned_weights
from flarescope.backbones.tuned_torch import state_of
from flarescope.errors import FlarescopeError, InputError
from flarescope.features.history import History
from flarescope.finetuning import loop, lora, memory
from flarescope.finetuning.lora import adaptable, put_lora
from flarescope.finetuning.network import unfrozen
from flarescope.finetuning.recipe import TuneRecipe
from flarescope.forecaster.runs import RunFolder
from flarescope.heads.head import Recipe, glorot_head
from flarescope.images.render import Rendering
from flarescope.pipeline.finetuning import epochs
from flarescope.pipeline.finetuning.beginning import for_rendering, refuse_more, refuse_untrainable
from flarescope.pipeline.finetuning.stage import finetune
from flarescope.pipeline.fitting import Saving
from flarescope.storage.cache import FileCache
from made_events import write_events_set
from tiny_tuned import COMPUTE, RECIPE, REGIONS, tiny_backbone, train_frozen

pytestmark = pytest.mark.xdist_group("finetuning")
needs_peft = pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed (flarescope[finetune])")
CHANGED = {"module.2.weight", "module.2.bias", "module.6.weight", "module.6.bias"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the set and a run on frozen features, `runs/frozen`."""
    folder = tmp_path_factory.mktemp("tuned")
    data = write_set(folder / "set", regions=REGIONS)
    train_frozen(data, folder / "runs/frozen")
    return folder, data


@pytest.fixture
def tune(place):
    """Fine-tune the run; options replace the defaults. Runs lie beside it, so that the feature stores are shared."""
    made = []

    def run(name="tuned", recipe=RECIPE, **options):
        out = place[0] / "runs" / name
        made.append(out)
        given = {"backbone": tiny_backbone(), "compute": COMPUTE, "reporter": flarescope.Reporter(), "out": out}
        return finetune(place[0] / "runs/frozen", recipe=recipe, **{**given, **options})

    yield run
    for out in made:
        shutil.rmtree(out, ignore_errors=True)


def content(run):
    """The bytes of a run, but for the times of its files."""
    return {path.name: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def arrays_of(run):
    return flarescope.load(run.path, backbone=tiny_backbone()).classifier.weights


def test_frozen_layers_keep_their_bytes_and_the_file_holds_what_changed_only(tune):
    before = state_of(tiny_backbone())
    found = arrays_of(tune())
    assert isinstance(found, TunedWeights)
    assert set(found.change.arrays) == CHANGED
    after = found.load()
    same = {name for name in before if after[name].tobytes() == before[name].tobytes()}
    assert same == set(before) - CHANGED
    assert found.family == "module:tiny+tuned"
    assert found.digest != tiny_backbone().digest


def test_nothing_changes_at_steps_of_nothing_and_validation_images_are_never_augmented(tune, place, monkeypatch):
    augmented = []

    def spoil(pixels, generator, names, limit):
        augmented.append(names)
        return np.zeros_like(pixels)

    monkeypatch.setattr(loop, "augmented", spoil)
    still = replace(RECIPE, learning_rate=0.0, head_rate=0.0, weight_decay=0.0, epochs=1)
    run = tune(recipe=still)
    assert len(augmented) == 32  # once for each training image
    frozen = RunFolder(place[0] / "runs/frozen")
    ours, theirs = (pd.read_parquet(one.forecasts("validation")) for one in (run, frozen))
    assert np.allclose(ours["probability"], theirs["probability"], atol=1e-6)
    chosen = max(frozen.history(), key=lambda row: row["validation"]["tss"])
    assert run.history()[0]["validation"] == pytest.approx(chosen["validation"], abs=1e-5)


def test_a_kill_at_any_state_resumes_to_the_same_bytes(tune, place, monkeypatch):
    whole = content(tune("one", state_every=3, saving=Saving("each")))
    real = epochs.write_state
    for kill_at in (1, 3):
        calls = 0

        def write(*arguments, at=kill_at):
            nonlocal calls
            calls += 1
            if calls == at:
                raise KeyboardInterrupt
            real(*arguments)

        shutil.rmtree(place[0] / "runs/one")
        with monkeypatch.context() as patch:
            patch.setattr(epochs, "write_state", write)
            with pytest.raises(KeyboardInterrupt):
                tune("one", state_every=3, saving=Saving("each"))
        resumed = content(tune("one", state_every=3, saving=Saving("each")))
        assert resumed == whole
    assert {"state.safetensors", "history.jsonl", "run.json"} < set(whole)
    assert json.loads(whole["run.json"])["store"]["digest"] == arrays_of(RunFolder(place[0] / "runs/one")).digest


def test_a_full_disk_is_said_and_the_run_goes_on_to_the_same_bytes(tune, place, monkeypatch):
    from safetensors import numpy as safe

    whole = content(tune("one"))
    shutil.rmtree(place[0] / "runs/one")
    real, calls = safe.save_file, []

    def save(arrays, path, *more):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(arrays, path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(safe, "save_file", save)
        with pytest.raises(FlarescopeError, match=r"disk full while writing .*state\.safetensors: free some space"):
            tune("one")
    assert not [path for path in (place[0] / "runs/one").iterdir() if ".part" in path.name]
    assert content(tune("one")) == whole


def test_a_batch_in_parts_and_activations_computed_twice_give_the_same_losses(tune, place):
    def losses(**changes):
        history = tune("one", recipe=replace(RECIPE, **changes)).history()
        shutil.rmtree(place[0] / "runs/one")
        return [row[split]["loss"] for row in history for split in ("train", "validation")]

    whole = losses()
    assert losses(micro_batch=3) == pytest.approx(whole, abs=1e-6)
    assert losses(checkpointing=True) == pytest.approx(whole, abs=1e-7)
    assert losses(precision="bf16") == pytest.approx(whole, abs=0.02)
    assert losses(precision="bf16") != whole


def test_every_command_takes_the_run(tune, place, monkeypatch):
    draw_blank(monkeypatch)
    folder, data = place
    run, quiet = tune(), flarescope.Reporter()
    flarescope.calibrate(run.path, method="platt", reporter=quiet)
    given = {"backbone": tiny_backbone(), "compute": COMPUTE, "reporter": quiet}
    found = flarescope.evaluate(run.path, table=data["test"], images=data["images"], **given)
    flarescope.evaluate(folder / "runs/frozen", table=data["test"], images=data["images"], **given)
    loaded = flarescope.load(run.path, backbone=tiny_backbone())
    assert loaded.classifier.description.calibration
    names = [data["images"] / name for name in found.forecasts["filename"]]
    forecasts = loaded.forecast(names, compute=COMPUTE, reporter=quiet)
    assert np.allclose(forecasts["probability_raw"], found.forecasts["probability"], atol=1e-6)
    page = flarescope.report(run.path, reporter=quiet)
    assert "a network of which layers were trained beside the head (--from 2)" in page.card.read_text()
    assert "a frozen network" not in page.card.read_text()
    paired = flarescope.compare(run.path, folder / "runs/frozen", reporter=quiet)
    assert {"a", "b", "difference", "low", "high"} <= set(paired["decision"]["tss"])
    stores = {path.name for path in (folder / "runs/features").iterdir()}
    digest = loaded.classifier.weights.digest.removeprefix("sha256:")[:8]
    assert any(f"module-tiny+tuned-{digest}" in name for name in stores)


@needs_peft
def test_lora_is_kept_as_two_thin_matrices_and_merged_as_peft_merges_it(tune, monkeypatch):
    run = tune(recipe=replace(RECIPE, start="lora", rank=2, alpha=6.0, learning_rate=0.05))
    found = arrays_of(run)
    assert found.change.adapted == ["module.0", "module.2", "module.6"]
    assert found.change.scale == 3.0
    network = tiny_backbone().backbone.build({})
    with pytest.raises(InputError, match=r"--rank 9: expected 1 to \d+, the full rank"):
        put_lora(network, TuneRecipe(rank=9))
    matrices = put_lora(network, TuneRecipe(rank=2, alpha=6.0))
    with torch.no_grad():
        for name, one in matrices.items():
            one.copy_(torch.from_numpy(found.change.arrays[name]))
    merged = found.load()
    for name in found.change.adapted:
        layer = network.get_submodule(name)
        layer.merge()
        assert np.allclose(layer.base_layer.weight.detach().numpy(), merged[f"{name}.weight"], atol=1e-6)
    monkeypatch.setattr(lora, "find_spec", lambda name: None)  # a model that LoRA made does without peft
    assert arrays_of(run).digest == found.digest
    with pytest.raises(InputError, match=r"pip install 'flarescope\[finetune\]'"):
        tune("other", recipe=replace(RECIPE, start="lora"))


def test_lora_leaves_out_convolutions_that_pad_in_their_own_way():
    class Padded(torch.nn.Conv2d):
        """Not plain."""

    layers = [Padded(1, 2, 3), Padded(2, 2, 1), torch.nn.Conv2d(2, 2, 3, groups=2), torch.nn.Conv2d(2, 2, 3)]
    assert adaptable(torch.nn.Sequential(*layers)) == ["3"]


@needs_peft
def test_lora_begins_as_the_network_is_and_its_change_goes_back_into_it():
    weights = lite.random_weights("efficientnet-lite0")
    recipe, pixels = TuneRecipe(start="lora", rank=1), torch.rand(1, 1, 224, 224) * 255
    tuned = unfrozen(weights, glorot_head(1280, 0), recipe, torch.device("cpu"), earlier={})
    assert len(tuned.layers) == 32  # of 49 convolutions: 16 see each channel alone, and the first adds zeros
    with torch.inference_mode():
        assert torch.equal(tuned.model.network(pixels), weights.backbone.build(weights.load())(pixels))
        for name, one in tuned.trained.items():
            one.copy_(torch.randn_like(one) * (0.001 if name.endswith("b") else 1))
        found = tuned_weights(weights, tuned.change())
        again = found.backbone.build(found.load())(pixels)
        changed = tuned.model.network(pixels)
        assert torch.allclose(changed, again, atol=1e-4)
        assert not torch.allclose(changed, weights.backbone.build(weights.load())(pixels), atol=1e-2)


@needs_peft
def test_a_fine_tuned_model_can_be_fine_tuned_and_keeps_what_changed_before(tune, place):
    first = tune("first", recipe=replace(RECIPE, start="lora", epochs=1, learning_rate=0.05))
    before = arrays_of(first).load()
    given = {"backbone": tiny_backbone(), "compute": COMPUTE, "reporter": flarescope.Reporter()}
    out = place[0] / "runs/second"
    run = finetune(first.path, out=out, recipe=replace(RECIPE, start="6"), **given)
    found = arrays_of(run)
    assert set(found.change.arrays) == {"module.0.weight", "module.2.weight", "module.6.weight", "module.6.bias"}
    for name in ("module.0.weight", "module.2.weight", "module.0.bias"):
        assert found.load()[name].tobytes() == before[name].tobytes()
    shutil.rmtree(out)


def test_full_files_hold_every_array_and_forecast_the_same(tune):
    small, full = tune("small", saving=Saving("last")), tune("full", saving=Saving("last", full=True))
    with h5py.File(full.model_path()) as file:
        assert set(file["network"]) == set(state_of(tiny_backbone()))
    after = [arrays_of(run).load() for run in (small, full)]
    assert all(after[0][name].tobytes() == after[1][name].tobytes() for name in after[0])


def test_images_of_a_storage_give_the_same_bytes_and_are_fetched_once_with_a_cache(tune, place, tmp_path, monkeypatch):
    memory = fsspec.filesystem("memory")
    for path in place[1]["images"].rglob("*.png"):
        memory.pipe_file(f"/tuned/png/{path.relative_to(place[1]['images'])}", path.read_bytes())
    asked = []
    real = type(memory).cat_file
    monkeypatch.setattr(type(memory), "cat_file", lambda self, path: asked.append(path) or real(self, path))
    cache = FileCache.of(tmp_path / "cache", 1)
    here, there = tune("here").model_path(), tune("there", images="memory://tuned/png", cache=cache).model_path()
    assert here.read_bytes() == there.read_bytes()
    assert len(asked) == len(set(asked)) > 32


def test_the_loss_chooses_and_stops_where_it_is_asked_to(tune):
    run = tune(recipe=replace(RECIPE, stop_on="loss", epochs=6, patience=1, learning_rate=0.5), saving=Saving("each"))
    losses = [row["validation"]["loss"] for row in run.history()]
    best = min(range(len(losses)), key=losses.__getitem__)
    assert len(losses) == best + 2 < 6
    assert run.model_path().name == run.history()[best]["model"]


def test_another_run_is_refused_and_so_are_other_epochs_for_the_rates_depend_on_them(tune):
    tune("one")
    for changes in ({"epochs": 3}, {"start": "6"}, {"seed": 4}):
        with pytest.raises(InputError, match=r"holds another run \(differs in recipe\)"):
            tune("one", recipe=replace(RECIPE, **changes))
    heard = Heard()
    assert tune("one", reporter=heard).history()  # the same again: nothing is left to be done
    assert not [text for text in heard.notes if text.startswith("epoch")]


def test_a_damaged_state_or_network_is_refused_in_one_line(tune):
    run = tune("one")
    state = run.path / "state.safetensors"
    whole = state.read_bytes()
    for wrong in (b"", whole[:100], whole[:-4], whole.replace(b"flarescope-finetune-1", b"flarescope-finetune-9")):
        state.write_bytes(wrong)
        with pytest.raises(InputError, match="state") as caught:
            tune("one")
        assert len(str(caught.value)) < 300
    path = run.model_path()
    with h5py.File(path, "r+") as file:
        file["network/module.6.bias"][0] += 1
    with pytest.raises(InputError, match="its network was changed after it was written"):
        flarescope.load(path, backbone=tiny_backbone())
    with h5py.File(path, "r+") as file:
        del file["network"]
    with pytest.raises(InputError, match="damaged"):
        flarescope.load(path, backbone=tiny_backbone())


def test_another_backbone_is_refused(tune):
    run = tune("one")
    torch.manual_seed(1)
    other = flarescope.Backbone(torch.nn.Flatten(), name="tiny", size=32, channels=1)
    with pytest.raises(InputError, match="fine-tuned from the backbone"):
        flarescope.load(run.path, backbone=other)
    assert flarescope.load(run.model_path()).classifier.weights.family == "module:tiny"  # in hand or not: it says so


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": replace(RECIPE, start="block5")}, "no such layer"),
        ({"recipe": replace(RECIPE, augment=("north-south",), balance="sampling", class_weight=None)}, None),
        ({"images": "nowhere"}, "no such folder"),
        ({"device": "cpu"}, "no room"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_no_folder(tune, place, options, said, monkeypatch):
    if said == "no room":
        monkeypatch.setattr(memory, "free_bytes", lambda device: 1)
    if said is None:
        assert tune("odd", **options).history()
        return
    with pytest.raises(InputError, match=said) as caught:
        tune("odd", **options)
    assert len(str(caught.value)) < 300
    assert not (place[0] / "runs/odd").exists()


def test_what_cannot_be_trained_is_refused():
    only = Network("mine", 4, lambda arrays: None, engines=("openvino",))
    with pytest.raises(InputError, match="runs by openvino alone"):
        refuse_untrainable(Weights("mine", "sha256:0", dict, only))


def test_one_run_of_several_events_is_fine_tuned_on_its_own_labels(tmp_path):
    data = write_events_set(tmp_path / "set")
    given = {"backbone": tiny_backbone(), "compute": COMPUTE, "reporter": flarescope.Reporter()}
    tables = {"train": data["table"], "validation": data["table"], "images": data["images"]}
    flarescope.train(**tables, out=tmp_path / "several", recipe=Recipe(epochs=1), **given)
    own = RunFolder(tmp_path / "several/events/M1.0_24h")
    run = finetune(own.path, out=tmp_path / "tuned", recipe=replace(RECIPE, epochs=1), **given)
    assert run.read()["event"] == own.read()["event"]
    assert run.read()["data"] == own.read()["data"]
    with pytest.raises(InputError, match="of several events; fine-tune one of them"):
        finetune(tmp_path / "several", out=tmp_path / "other", recipe=RECIPE, **given)


def test_jpeg_of_the_disk_is_mirrored_east_west_alone_for_its_sky_is_black():
    heard = Heard()
    recipe = for_rendering(TuneRecipe(), Rendering("helioviewer-jpeg"), heard)
    assert recipe.augment == ("east-west",)
    assert "black sky" in heard.notes[0]
    for name in ("reference-png", "reference-fits", "disk-fits"):
        assert for_rendering(TuneRecipe(), Rendering(name), heard) == TuneRecipe()
    assert len(heard.notes) == 1


def test_a_model_that_looks_back_is_refused(place):
    loaded = flarescope.load(place[0] / "runs/frozen", backbone=tiny_backbone())
    history = History(hours=(12.0,)).to_json()
    described = replace(loaded.classifier.description, history=history)
    back = replace(loaded, classifier=replace(loaded.classifier, description=described))
    with pytest.raises(InputError, match="looks back to earlier images"):
        refuse_more(back)


def test_a_model_without_a_run_needs_tables(tune, place, tmp_path):
    path = shutil.copy(RunFolder(place[0] / "runs/frozen").model_path(), tmp_path / "model.hdf5")
    with pytest.raises(InputError, match="give --train and --validation and --images"):
        finetune(path, out=tmp_path / "out", backbone=tiny_backbone(), recipe=RECIPE)
    data = place[1]
    tables = {"train": data["train"], "validation": data["validation"], "images": data["images"], "limit": 12}
    given = {"backbone": tiny_backbone(), "compute": COMPUTE, "reporter": flarescope.Reporter()}
    run = finetune(path, out=tmp_path / "out", **tables, recipe=replace(RECIPE, epochs=1), **given)
    assert run.read()["data"]["train"]["images"] == 12
    assert json.loads(run.run_json.read_text())["finetuned"]["from"] == "2"


def test_unused_layers_are_left_out(place):
    class Two(torch.nn.Module):
        """A network with a layer that decides nothing."""

        def __init__(self):
            super().__init__()
            self.used, self.idle = torch.nn.Linear(16, 3), torch.nn.Linear(16, 3)

        def forward(self, x):
            return self.used(x.flatten(1))

    backbone = flarescope.Backbone(Two(), name="two", size=4, channels=1)
    tuned = unfrozen(backbone, glorot_head(3, 0), TuneRecipe(start="all"), torch.device("cpu"), earlier={})
    assert set(tuned.trained) == {"module.used.weight", "module.used.bias"}
    assert isinstance(tuned.change(), Change)
    with pytest.raises(InputError, match="decides a feature"):
        unfrozen(backbone, glorot_head(3, 0), TuneRecipe(start="idle"), torch.device("cpu"), earlier={})


def test_no_memory_in_a_step_is_one_line_that_says_what_to_lower(tune, monkeypatch):
    def step(*arguments):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr(loop, "take_step", step)
    with pytest.raises(FlarescopeError, match="out of memory with 8 images at a time; take --micro-batch 4"):
        tune("odd")


def test_features_made_elsewhere_are_refused(place, tmp_path):
    names = [line.split(",")[0] for key in ("train", "validation") for line in place[1][key].read_text().split()[1:]]
    table = tmp_path / "features.parquet"
    rng = np.random.default_rng(0)
    pd.DataFrame({"filename": names, **{f"f{i}": rng.random(len(names)) for i in range(4)}}).to_parquet(table)
    given = {"train": place[1]["train"], "validation": place[1]["validation"], "images": place[1]["images"]}
    quiet = flarescope.Reporter()
    run = flarescope.train(**given, out=tmp_path / "run", backbone=f"table:{table}", reporter=quiet)
    with pytest.raises(InputError, match="made elsewhere; there is no network here"):
        finetune(run.path, out=tmp_path / "out", reporter=quiet)
