"""Synthetic forecasts, flares and magnetograms for the tests of figures and report; nothing is observed."""

import numpy as np
import pandas as pd

from flarescope.events import EventDefinition
from flarescope.figures import FieldImage
from flarescope.html_report import GALLERY, ReportInputs, gallery_rows
from flarescope.scores.verify import verify

FIRST_REGION = 19_001


def synthetic_forecasts(images=3000, regions=30, seed=0):
    """Rows in which a region's activity drifts, labels follow it, and the probability sees it through noise."""
    rng = np.random.default_rng(seed)
    each = images // regions
    rows = []
    for number in range(regions):
        phase, rate = rng.uniform(0, 6), rng.normal(-1.2, 1.5)
        activity = rate + 1.5 * np.sin(phase + np.arange(each) / each * 7)
        label = np.repeat(rng.random(-(-each // 20)), 20)[:each] < 1 / (1 + np.exp(-activity))
        probability = 1 / (1 + np.exp(-activity - 0.8 - rng.normal(0, 0.6, each)))
        start = pd.Timestamp("2012-01-03", tz="UTC") + pd.Timedelta(days=20 * number)
        rows.append(
            pd.DataFrame(
                {
                    "filename": [f"synthetic/{FIRST_REGION + number}_{i:05}.png" for i in range(each)],
                    "noaa_ar": FIRST_REGION + number,
                    "time": start + pd.to_timedelta(36 * np.arange(each), unit="min"),
                    "split": "test",
                    "label": label.astype(int),
                    "probability": probability,
                    "flare": np.where(label, rng.choice(["C1.5", "C7.0", "M2.3", "X1.1"], each), None),
                }
            )
        )
    frame = pd.concat(rows, ignore_index=True)
    return frame.astype({"noaa_ar": "Int32", "label": "Int8", "time": "datetime64[us, UTC]"})


def synthetic_flares(forecasts):
    """A flare for each 40th image that is labelled as followed by one."""
    chosen = forecasts[forecasts["label"] == 1].iloc[::40]
    return pd.DataFrame(
        {
            "noaa_ar": chosen["noaa_ar"],
            "time": chosen["time"] + pd.Timedelta(hours=3),
            "flare": chosen["flare"],
        }
    )


def synthetic_field(seed=0, size=224):
    """Two spots of opposite polarity in noise, gauss."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    (y1, x1), (y2, x2) = rng.uniform(0.3, 0.7, (2, 2))
    field = 1900 * np.exp(-((x - x1) ** 2 + (y - y1) ** 2) / 0.008)
    field -= 1700 * np.exp(-((x - x2) ** 2 + (y - y2) ** 2) / 0.014)
    return field + rng.normal(0, 15, (size, size))


def synthetic_gallery(forecasts, threshold=0.5):
    groups = []
    for name, rows in gallery_rows(forecasts, threshold).items():
        images = [
            FieldImage(
                field_gauss=synthetic_field(int(row.noaa_ar)),
                filename=row.filename,
                noaa_ar=int(row.noaa_ar),
                time=f"{row.time:%Y-%m-%d %H:%M} UTC",
                probability=row.probability,
                label=int(row.label),
                flare=row.flare if isinstance(row.flare, str) else None,
            )
            for row in rows.itertuples()
        ]
        groups.append((GALLERY[name], images))
    return groups


HISTORY = [
    {
        "epoch": epoch,
        "train": {"loss": 0.9 / epoch, "tss": 0.3 + 0.04 * epoch, "hss": 0.2 + 0.04 * epoch},
        "validation": {"loss": 0.6 - 0.02 * epoch, "tss": 0.35 + 0.02 * epoch, "hss": 0.3 + 0.01 * epoch},
    }
    for epoch in range(1, 6)
]

PROVENANCE = {
    "recipe": {"learning_rate": 0.001, "batch": 64, "epochs": 5, "class_weight": [1.0, 4.08785]},
    "seed": 0,
    "weights": {"family": "random-vgg16", "digest": "0" * 64},
    "data": {"images": "synthetic", "catalogue sha256": "1" * 64},
    "engine": "torch",
    "precision": "float32",
    "versions": {"flarescope": "0.1.0"},
}


def synthetic_inputs(forecasts=None, *, replicates=200, **changes):
    """All that a report can show; what is given in `changes` is not made."""
    forecasts = synthetic_forecasts() if forecasts is None else forecasts
    made = {
        "title": lambda: "Synthetic run",
        "verification": lambda: verify(
            forecasts, event=EventDefinition(), climatology=0.25, threshold=0.42, replicates=replicates
        ),
        "warnings": lambda: (
            "SYNTHETIC DATA: the magnetograms and flares are made.",
            "RANDOM FILTERS: nothing was learnt.",
        ),
        "history": lambda: HISTORY,
        "events": lambda: synthetic_flares(forecasts),
        "gallery": lambda: synthetic_gallery(forecasts),
        "provenance": lambda: PROVENANCE,
    }
    values = {name: changes[name] if name in changes else make() for name, make in made.items()}
    return ReportInputs(forecasts=forecasts, **(values | changes))
