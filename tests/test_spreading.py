"""Are runs of one recipe recognised, and does their spread stand beside the sampling interval?"""

import json
import shutil

import pytest

import flarescope
from fakes import draw_blank, use_fake_network, write_set
from flarescope import InputError, Recipe, Reporter, spread_of_runs
from flarescope.cli import main

QUIET = Reporter()
EVENT = ["--event", "C1.0", "--window", "24"]
SCORED = flarescope.Verifying(replicates=50)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Train two seeds on a split, one of them on another split too, and one at another rate; each is evaluated."""
    folder = tmp_path_factory.mktemp("spread")
    names = {"a": list(range(1121, 1127)), "b": list(range(1127, 1133)), "c": list(range(1133, 1139))}
    paths = write_set(folder, regions=names, images_a_region=4)
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        for name, train, test, recipe in (
            ("one", "a", "c", Recipe(seed=1)),
            ("two", "a", "c", Recipe(seed=2)),
            ("other", "c", "a", Recipe(seed=1)),
            ("fast", "a", "c", Recipe(seed=1, learning_rate=0.01)),
        ):
            given = {"images": paths["images"], "reporter": QUIET}
            out = folder / "runs" / name
            flarescope.train(train=paths[train], validation=paths["b"], recipe=recipe, out=out, **given)
            flarescope.evaluate(out, table=paths[test], verifying=SCORED, **given)
    return folder / "runs"


def tss_of(run):
    found = json.loads((run / "scores.json").read_text())
    return found["verification"]["decisions"]["argmax"]["scores"]["tss"]


def test_runs_of_two_seeds_and_of_two_splits(runs):
    found = spread_of_runs([runs / name for name in ("one", "two", "other")])
    assert [(one["over"], one["runs"]) for one in found["spreads"]] == [
        ("seed", ["one", "two"]),
        ("split", ["one", "other"]),
    ]
    assert found["runs"]["other"] == {"seed": 1, "split": 2, "rows": 2}
    rows = [tss_of(runs / name) for name in ("one", "two")]
    tss = found["spreads"][0]["scores"]["tss"]
    first, second = (row["value"] for row in rows)
    assert tss["mean"] == pytest.approx((first + second) / 2)
    assert tss["deviation"] == pytest.approx(abs(first - second) / 2**0.5)
    assert tss["half_interval"] == pytest.approx(sum(row["high"] - row["low"] for row in rows) / 4)


def test_what_differs_by_more_is_no_spread(runs, tmp_path):
    with pytest.raises(InputError, match="one and fast differ by more than seed and split"):
        spread_of_runs([runs / "one", runs / "fast"])
    with pytest.raises(InputError, match="have one seed and one split"):
        spread_of_runs([runs / "one", shutil.copytree(runs / "one", tmp_path / "copy")])
    apart = spread_of_runs([runs / "two", runs / "other"])
    assert [one["over"] for one in apart["spreads"]] == ["seed and split"]


def test_compare_and_report_show_it(runs, monkeypatch, capsys):
    one, two, other, fast = (str(runs / name) for name in ("one", "two", "other", "fast"))
    assert main(["compare", one, two, "--replicates", "50", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["spread"] == spread_of_runs([one, two])
    assert main(["compare", one, fast, "--replicates", "50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["spread"] is None
    assert main(["compare", one, other, "--spread"]) == 0
    said = capsys.readouterr()
    assert "Spread over split, of seed 1; 2 runs, scored on rows of their own (argmax)" in said.out
    assert main(["compare", one, other, "--spread", "--resample", "day"]) == 2
    assert "--spread shows the scores that runs were evaluated with: leave out --resample" in capsys.readouterr().err
    assert main(["compare", one, two, *EVENT]) == 2  # a run says its event itself
    draw_blank(monkeypatch)
    page = flarescope.report(one, compared=[two, other], verifying=SCORED, reporter=QUIET).page.read_text()
    assert "Over seeds and splits" in page
    assert "Spread over seed: seeds 1 and 2, of one split; 2 runs, scored on the same rows (argmax)" in page
