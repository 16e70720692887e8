"""How does a page, text and drawings put together, become one HTML document?"""

from jinja2 import Environment, PackageLoader, StrictUndefined

from flarescope.html_report.view import Page


def render_page(page: Page) -> str:
    """Give one HTML document with its style, its drawings and its pictures inside.

    Nothing in it is fetched: it may be mailed, and its content security policy forbids requests. It may link.
    """
    environment = Environment(
        loader=PackageLoader("flarescope", "templates"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html.j2").render(page=page) + "\n"
