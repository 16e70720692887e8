"""`flarescope weights`: fetch or import the backbone's weights."""

from pathlib import Path
from typing import Annotated

import typer

from flarescope.cli.groups import group
from flarescope.cli.options import AsJson, Debug, Quiet
from flarescope.cli.screen import ScreenReporter, out, settings, show_json

app = group("The backbone's weights: fetch, import, show.")


def _show(action: str, family: str, digest: str, path: Path) -> None:
    if settings.as_json:
        show_json({"family": family, "digest": digest, "path": str(path)})
    else:
        out(f"{action}: {family} VGG16, {digest}\nkept in {path}")


@app.command(epilog="Example: flarescope weights fetch")
def fetch(quiet: Quiet = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Fetch Keras' ImageNet VGG16 (553 MB).

    It is verified and kept in the cache ($FLARESCOPE_CACHE). A broken download goes on where it stood.
    """
    from flarescope.backbones.weights import cached_imagenet, fetch_imagenet

    reporter = ScreenReporter()

    def advance(done: int, total: int | None) -> None:
        reporter.advance("fetching, MB", done // 1_000_000, (total or done) // 1_000_000)

    weights = fetch_imagenet(progress=advance)
    _show("ready", weights.family, weights.digest, cached_imagenet())


@app.command("import", epilog="Example: flarescope weights import vgg16_weights_tf_dim_ordering_tf_kernels.h5")
def import_(
    file: Annotated[Path, typer.Argument(help="A copy of Keras' vgg16_weights_tf_dim_ordering_tf_kernels.h5.")],
    quiet: Quiet = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Verify a copy of Keras' ImageNet VGG16 and keep it.

    It is kept in the cache ($FLARESCOPE_CACHE); nothing is fetched.
    """
    from flarescope.backbones.weights import cached_imagenet, import_imagenet

    weights = import_imagenet(file)
    _show("imported", weights.family, weights.digest, cached_imagenet())


@app.command(epilog="Example: flarescope weights show")
def show(quiet: Quiet = False, as_json: AsJson = False, debug: Debug = False) -> None:
    """Say which ImageNet weights are in the cache."""
    from flarescope.backbones.registry import find
    from flarescope.backbones.weights import cached_imagenet

    weights = find("imagenet")
    _show("ready", weights.family, weights.digest, cached_imagenet())
