"""How is the site built? `make docs`, into build/site; warnings are errors, and no network is asked."""

import sys
from pathlib import Path
from typing import Final

import contents

BUILD: Final = Path("build")


def build(folder: Path) -> int:
    """Gather the sources in a folder and run Sphinx on them; the site is in its folder `site`.

    Returns:
        Sphinx's exit code, 0 where all went well.
    """
    from sphinx.cmd.build import build_main

    sources = contents.gather(folder / "site-sources")
    here = str(Path(__file__).parent)
    places = ["-d", str(folder / "site-doctrees"), "-c", here, str(sources), str(folder / "site")]
    return build_main(["-q", "-W", "--keep-going", "-E", *places])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else BUILD
    if code := build(target):
        sys.exit(code)
    sys.stdout.write(f"The site, to be opened in a browser: {target / 'site' / 'index.html'}\n")
