"""How does Sphinx turn the gathered pages into the site?"""

import tomllib
from pathlib import Path

project = "flarescope"
author = "The flarescope developers"
project_copyright = author
described = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
version = release = described["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4  # links such as catalogue.md#labels
default_role = "code"  # docstrings write `name`, as Markdown does

html_theme = "furo"
html_title = f"flarescope {release}"
html_show_sourcelink = False
html_copy_source = False

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
napoleon_use_ivar = True  # a dataclass's fields are described once, under its "Attributes"
napoleon_use_rtype = False
napoleon_custom_sections = [("Example", "Examples")]
