"""Does a browser open the report without a complaint, on a phone and a desk, light and dark?"""

import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from flarescope.html_report import write_report
from report_data import synthetic_inputs
from waiting import LIMIT_S

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report, drawn once."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(synthetic_inputs(replicates=50), path)
    return path


def chromium(*arguments, folder):
    """Run a browser that has no window, no past and no errands of its own; give its output and its log."""
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0", "--hide-scrollbars",
             "--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"]  # fmt: skip
    done = subprocess.run([CHROMIUM, *quiet, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page was not opened in a browser")


def on_a_phone(page, scheme):
    """Open a page 400 pixels wide: its width, the window's, the smallest letters, pictures, drawings, complaints."""
    folder = page.parent
    # A window is at least 500 pixels wide; a frame may be narrower, and the page around it can measure it.
    (folder / "phone.html").write_text(
        f"<body><iframe src='{page.name}' width='400' height='900'></iframe><script>"
        "const frame = document.querySelector('iframe'); frame.onload = () => {"
        "const page = frame.contentDocument, root = page.documentElement, style = frame.contentWindow.getComputedStyle,"
        "sizes = [...page.querySelectorAll('svg text')].map(text => { const to = text.getScreenCTM();"
        "return parseFloat(style(text).fontSize) * Math.hypot(to.a, to.b); });"
        "document.body.dataset.found = [root.scrollWidth, root.clientWidth, Math.min(...sizes).toFixed(1),"
        " [...page.images].every(i => i.naturalWidth > 0), page.querySelectorAll('svg').length].join(' ');"
        "}</script></body>"
    )
    blink = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    dom, complaints = chromium("--dump-dom", *blink, f"file://{folder / 'phone.html'}", folder=folder)
    width, window, letters, whole, drawings = re.search(r'data-found="([^"]*)"', dom).group(1).split()
    return int(width), int(window), float(letters), whole == "true", int(drawings), complaints


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_browser_opens_the_page_without_a_complaint_at_the_width_of_a_phone(page, scheme):
    width, window, letters, whole, drawings, complaints = on_a_phone(page, scheme)
    assert complaints == []
    assert width <= window <= 400  # nothing hangs over the edge
    assert letters >= 9.5  # smallest letters of the figures, pixels
    assert whole
    assert drawings == page.read_text(encoding="utf-8").count("<svg")


@needs_chromium
def test_dark_and_light_pages_differ_and_nothing_is_blank(page, tmp_path):
    brightness = []
    for name, blink in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"])):
        shot = f"--screenshot={tmp_path / name}.png"
        chromium("--window-size=1200,1600", shot, *blink, f"file://{page}", folder=tmp_path)
        with Image.open(tmp_path / f"{name}.png") as image:
            pixels = np.asarray(image.convert("L"))
        brightness.append(np.median(pixels))
        assert pixels.std() > 10
    assert brightness[0] > 240
    assert brightness[1] < 40


@needs_chromium
def test_browser_would_have_complained(page, tmp_path):
    """The check above can fail: a request that leaves the page is refused by its policy, aloud."""
    request = "<img src='http://127.0.0.1:9/x.png' alt=''></main>"
    (tmp_path / "bad.html").write_text(page.read_text(encoding="utf-8").replace("</main>", request), encoding="utf-8")
    _, complaints = chromium("--dump-dom", f"file://{tmp_path / 'bad.html'}", folder=tmp_path)
    assert any("Content Security Policy" in line for line in complaints)
