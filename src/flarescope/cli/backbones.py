"""`flarescope backbones`: which networks there are, and whose weights are here."""

from flarescope.cli import options
from flarescope.cli.screen import note, settings, show_json, show_table

EXAMPLE = "Example: flarescope backbones"


def backbones(quiet: options.Quiet = False, as_json: options.AsJson = False, debug: options.Debug = False) -> None:
    """List the networks that --backbone takes.

    Each is frozen; a head is trained on its features. `at hand` says whether its ImageNet weights are here.
    """
    from flarescope.backbones.registry import listed

    found = listed()
    if settings.as_json:
        show_json([one.to_json() for one in found.values()])
        return
    rows = [
        [
            name,
            f"{one.backbone.pixels.size}",
            f"{one.backbone.features:,}",
            f"{one.source}, {one.size_bytes / 1e6:.0f} MB",
            one.licence,
            "yes" if one.at_hand() else one.install,
        ]
        for name, one in found.items()
    ]
    show_table(
        "networks with ImageNet's weights", ["name", "pixels", "features", "weights", "licence", "at hand"], rows
    )
    for name, one in found.items():
        note(f"{name}: {one.backbone.preprocessing}; {one.backbone.paper}")
