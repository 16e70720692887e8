"""How long does one core take from a FITS file to the network's pixels, here and by the reference's way?

    python benchmarks/fits_to_pixels.py [FILE or FOLDER ...] [--repeats 20] [--json times.json]

The reference's way: astropy opens the file, mends its header and gives the image; scikit-image resizes three equal
channels; then the scale. Without arguments made 600x600 Rice-compressed files are measured.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # read once, when NumPy is imported

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from skimage.transform import resize

from flarescope.images.reading import read_image
from flarescope.images.render import FIELD_LIMIT_GAUSS, Rendering
from flarescope.images.resize import SIZE
from flarescope.synthetic.files import write_synthetic_images
from flarescope.synthetic.regions import synthetic_regions


def ours(path: Path) -> np.ndarray:
    """Read, fingerprint and render a file as a feature store does; `(1, 224, 224)` float32."""
    return read_image(path, Rendering("reference-fits", "zero")).rendered.pixels


def reference(path: Path) -> np.ndarray:
    """Read and render a file in the steps of the reference recipe; `(224, 224, 3)` float64."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path) as hdus:
            hdus.verify("silentfix")
            image = next(hdu.data for hdu in hdus if hdu.header["NAXIS"] == 2)
    three = np.repeat(np.nan_to_num(image)[..., np.newaxis], 3, axis=2)
    small = resize(three, (SIZE, SIZE, 3), order=1, mode="reflect", clip=True, preserve_range=True, anti_aliasing=True)
    return np.asarray((small + FIELD_LIMIT_GAUSS) / (2 * FIELD_LIMIT_GAUSS) * 255)


def measure(files: Sequence[Path], repeats: int) -> dict[str, Any]:
    """Time both ways, in turns, on each file.

    Args:
        files: FITS magnetograms.
        repeats: times that each file goes through each way.

    Returns:
        `name`; `ours` and `alternative`, each with `unit` and `samples`: seconds of processor time an image. Also
        `difference`, the largest between the pixels of the two.
    """
    ways: dict[str, Callable[[Path], np.ndarray]] = {"ours": ours, "alternative": reference}
    samples: dict[str, list[float]] = {way: [] for way in ways}
    difference = max(float(np.abs(ours(file)[0] - reference(file)[..., 0]).max()) for file in files)
    for _ in range(repeats):
        for file in files:
            for way, convert in ways.items():
                start = time.process_time()
                convert(file)
                samples[way].append(time.process_time() - start)
    result: dict[str, Any] = {way: {"unit": "s", "samples": times} for way, times in samples.items()}
    return {"name": "fits_to_pixels", "difference": difference} | result


def find_files(places: Sequence[Path]) -> list[Path]:
    """List the FITS files among, and below, some places."""
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.fits")))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", type=Path, metavar="FILE or FOLDER")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.places:
            regions = synthetic_regions(4, images_per_region=1, seed=0)
            write_synthetic_images(Path(folder), regions, images_per_region=1, formats=("fits",))
        files = find_files(arguments.places or [Path(folder)])
        if not files:
            parser.error("no FITS file there")
        result = measure(files, arguments.repeats)
    medians = {way: statistics.median(result[way]["samples"]) for way in ("ours", "alternative")}
    print(f"{len(files)} files, {arguments.repeats} repeats, one thread, processor time an image, medians")
    print(f"flarescope     {medians['ours'] * 1e3:6.2f} ms (with the file's digest)")
    print(f"the reference  {medians['alternative'] * 1e3:6.2f} ms")
    print(f"ratio          {medians['alternative'] / medians['ours']:6.2f}")
    print(f"largest difference between the pixels, 0 to 255: {result['difference']:.1e}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
