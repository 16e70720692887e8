"""Are the numbers of the guides those of the card, the laws and the definitions that they come from?"""

import math
import re
from pathlib import Path

import numpy as np

from flarescope.hmi import NATIVE_ARCSEC
from flarescope.images.look import RSUN_ARCSEC
from flarescope.rotation import synodic_deg_day
from flarescope.scores.definitions import DEFINITIONS
from flarescope.scores.definitions_yes_no import CATEGORICAL

ROOT = Path(__file__).parents[1]
CARD = ROOT / "src" / "flarescope" / "regions" / "data" / "regions.md"


def guide(name):
    return " ".join((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8").split())


def skill(text, model):
    """Give the three classes' skill with its interval by the table of each region, first of years never seen."""
    found = re.findall(rf"\| `?{model}`?(?: \(MCSTAT\))? \| ([^|]*) \| ([^|]*) \| ([^|]*) \|", text)
    plain = [[re.sub(r"\b0\.", ".", one.replace("−", "-")).translate({40: "", 41: ""}) for one in row] for row in found]
    return [row for row in plain if all(re.fullmatch(r"(-?\.\d{3} ?(to )?){3}", one) for one in row)]


def test_the_guide_of_regions_has_the_cards_skill():
    card, regions = CARD.read_text(encoding="utf-8"), guide("regions")
    folds = card.index("## Skill\n")
    for model in ("regions", "history", "summary", "class", "mcintosh", "mcevol", "persistence"):
        unseen, crossed = skill(card[:folds], model)[0], skill(card[folds:], model)[0]
        assert skill(regions, model) == [unseen, crossed], model


def test_what_a_forecast_loses_without_flares_is_the_cards():
    card = CARD.read_text(encoding="utf-8")
    (all_c, all_m, _), (blind_c, blind_m, _) = (skill(card, model)[0] for model in ("regions", "summary"))
    loss = [one.split()[0] for one in (all_c, blind_c, all_m, blind_m)]
    said = "C1.0 falls from {} to {} on the years that it never saw, for M1.0 from {} to {}"
    assert said.format(*loss) in guide("forecast")


def test_a_region_goes_so_far_in_six_hours():
    degrees = float(synodic_deg_day(np.array([0.0]))[0]) / 4
    pixels = RSUN_ARCSEC / NATIVE_ARCSEC * math.sin(math.radians(degrees))
    assert f"goes {degrees:.1f} degrees west, some {round(pixels, -1):.0f} pixels" in guide("disk")
    assert f"{4 * degrees:.1f} at the equator" in synodic_deg_day.__doc__


def test_the_scores_are_counted_right():
    yes_no, others = len(CATEGORICAL), len(DEFINITIONS) - len(CATEGORICAL)
    assert f"gives {yes_no} scores of the yes/no forecasts and {others} of the probabilities" in guide("verification")
