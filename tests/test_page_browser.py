"""Do the pages of `serve` work in a browser: for eyes, for a keyboard, for a screen reader, on a phone and a desk?

Chromium is driven by Playwright, and axe looks for what keeps people out; where one of them is missing the tests skip.
With `FLARESCOPE_PICTURES` set to a folder, the pictures of the guide are written there.
"""

import base64
import io
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import httpx2
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image

from fakes import use_fake_network
from firefox import FIREFOX, firefox
from flarescope.archive import ModelUsed, keep
from flarescope.archive.database import opened
from flarescope.figures.disk import percent
from flarescope.figures.field import field_png
from flarescope.pipeline.provenance import RANDOM_FILTERS
from flarescope.serving import app
from flarescope.serving.mapping import Maps
from flarescope.serving.models import load_models
from flarescope.serving.settings import Settings
from made_archive import made_forecast, made_rows
from served_pages import DAYS, SYNTHETIC, serving, settings_of, write_days, write_work

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")
axe_api = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="no axe: pip install axe-playwright-python"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = os.environ.get("FLARESCOPE_PICTURES")
KEPT = {(1200, "dark"): "disk", (400, "light"): "phone"}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the pages were not opened in a browser"),
    pytest.mark.xdist_group("pages"),
]
LEFT = "\ue012"
"""The key, as WebDriver writes it."""
DROP = """
  const data = new DataTransfer();
  for (const one of arguments[0]) {
    const bytes = Uint8Array.from(atob(one.text), letter => letter.charCodeAt(0));
    data.items.add(new File([bytes], one.name));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.querySelector("h1").dispatchEvent(
      new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
"""
# What moved after it was shown; a shift that follows a click or a key within half a second is one that was asked for.
# A layout shift of 0.1 is called good (https://web.dev/articles/cls). On a busy machine columns are drawn before the
# last row has come, and widen by some pixels: up to .0027 was seen.
SEEN = 0.005
SHIFTS = """() => new Promise(done => {
  let total = 0;
  new PerformanceObserver(list => { for (const one of list.getEntries()) total += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(total), 100);
})"""


def random_models(paths):
    """Load models as a server does, and call them random."""
    return {name: replace(one, warnings=(RANDOM_FILTERS,)) for name, one in load_models(paths).items()}


async def drawn_map(maps, model, name, content, **options):
    """A picture in the place of a map, which a process of its own draws with a true network in seconds."""
    return field_png(np.linspace(-1500, 1500, 64 * 64).reshape(64, 64)), {}


@pytest.fixture(scope="module")
def address(tmp_path_factory, fake_run):
    """Serve days, scores, and a model whose network is fake and is called random."""
    folder = tmp_path_factory.mktemp("pages")
    settings = settings_of(write_days(folder / "days"), runs=(fake_run[0] / "runs/r",))
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        patch.setattr(app, "load_models", random_models)
        patch.setattr(Maps, "draw", drawn_map)
        with serving(settings, write_work(folder / "work")) as found:
            yield found


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture
def visit(browser, address):
    """Open a page; at the end nothing was complained of, and nobody else was asked."""
    contexts, complaints, asked = [], [], []

    def visit(path="/", *, width=1200, scheme="light", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address + path, wait_until="load")
        return page

    visit.complaints = complaints
    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((address, "blob:"))] == []


def numbers(page, address, path="newest"):
    """Give what the API says."""
    return page.request.get(f"{address}/api/v1/forecasts/{path}").json()


def row(page, region):
    return page.locator(f'tr[data-ar="{region}"] .text').inner_text()


def mark(page, region):
    return page.locator(f'a.mark[data-ar="{region}"]')


def keep_picture(page, name):
    """Write what is seen for the guide, in 256 colours, so that it is small."""
    if PICTURES:
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            small = shot.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
            small.save(Path(PICTURES) / f"{name}.png", optimize=True)


@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (400, "dark"), (1200, "dark"), (2000, "light")])
def test_the_page_fits_and_nothing_moves(visit, width, scheme):
    page = visit("/", width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(SHIFTS) < SEEN
    assert page.locator("a.mark").count() >= 3
    letters = page.evaluate(
        "[...document.querySelectorAll('svg text, svg tspan')].map(one => parseFloat(getComputedStyle(one).fontSize)"
        " * Math.hypot(one.closest('text').getScreenCTM().a, one.closest('text').getScreenCTM().b))"
    )
    assert min(letters) >= 8.5
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor").startswith("rgb(14,")
    assert dark == (scheme == "dark")
    if (width, scheme) in KEPT:
        keep_picture(page, KEPT[width, scheme])


def test_class_and_hours_are_switched_everywhere_and_stay(visit, address):
    page = visit("/")
    found = numbers(page, address)
    shown = {one["noaa_ar"]: one["shown"] for one in found["regions"]}
    assert row(page, 12192) == f"{percent(shown[12192]['M1.0/24'])} %"
    page.get_by_text("X1.0 or more", exact=True).click()
    page.get_by_text("72 h", exact=True).click()
    wanted = f"{percent(shown[12192]['X1.0/72'])} %"
    assert row(page, 12192) == wanted
    assert mark(page, 12192).locator(".text").text_content() == wanted
    assert mark(page, 12192).get_attribute("aria-label").endswith(f": {wanted} of X1.0 or more within 72 h")
    assert page.locator("caption [data-chosen]").first.inner_text() == "of X1.0 or more within 72 h"
    whole = page.locator(".card", has_text="X1.0").locator(".big").inner_text()
    assert whole == f"{percent(found['disk']['shown']['X1.0/72'])} %"
    assert page.locator("#said").inner_text() == f"Probability of X1.0 or more within 72 h: {whole}"
    page.reload(wait_until="load")
    assert row(page, 12192) == wanted
    mark(page, 12192).click()
    page.locator(".headline .text", has_text=wanted).wait_for()
    assert page.url == f"{address}/regions/12192#X1.0/72"


def test_the_slider_goes_to_past_days_without_leaving_the_page(visit, address):
    page = visit("/#C1.0/48")
    page.evaluate("window.same = true")
    page.locator("#days").focus()
    with page.expect_response(f"**/days/{DAYS[-2]}"):
        page.keyboard.press("ArrowLeft")
    page.locator("h1", has_text="23 Oct 2014, 00:30 UTC").wait_for()
    of_day = page.request.get(f"{address}/api/v1/forecasts?day={DAYS[-2]}").json()["items"][0]["id"]
    shown = {one["noaa_ar"]: one["shown"] for one in numbers(page, address, of_day)["regions"]}
    assert row(page, 12192) == f"{percent(shown[12192]['C1.0/48'])} %"
    assert (page.locator("#day").inner_text(), page.evaluate("document.activeElement.id")) == (DAYS[-2], "days")
    page.locator("#day-before").click()
    page.locator("h1", has_text="22 Oct").wait_for()
    assert page.evaluate("window.same")
    assert page.url == f"{address}/days/{DAYS[1]}#C1.0/48"
    assert page.locator("#days").input_value() == "1"


def test_what_is_synthetic_is_shouted_wherever_one_comes_from(visit):
    page = visit("/")
    assert page.locator("#warnings .warning").count() == 0
    page.locator("#days").focus()
    with page.expect_response(f"**/days/{DAYS[0]}"):
        page.keyboard.press("Home")
    page.locator("h1", has_text="21 Oct").wait_for()
    assert page.locator("#warnings").inner_text() == SYNTHETIC
    assert visit(f"/days/{DAYS[0]}", java_script_enabled=False).locator("#warnings").inner_text() == SYNTHETIC


def test_a_region_has_its_patch_its_chart_and_what_changed(visit):
    page = visit("/regions/12192", width=1200, scheme="dark")
    assert page.evaluate("document.querySelector('.patch img').naturalWidth") > 0
    assert page.evaluate(SHIFTS) < SEEN
    assert page.locator(".line:visible").count() == 1
    assert page.locator(".line.on circle").count() == len(DAYS)
    assert page.locator(".flare.x").count() >= 1  # X1.6 on 22 October
    page.get_by_text("C1.0 or more", exact=True).click()
    assert page.locator(".line.on").get_attribute("data-code") == "C1.0/24"
    assert "P(C1.0/24 h)" in page.locator(".life").inner_text() or "area" in page.locator(".life").inner_text()
    page.get_by_text("M1.0 or more", exact=True).click()
    keep_picture(page, "region")
    page.get_by_role("button", name="Where would r see its forecast?").click()
    drawn = page.locator("figure.map img")
    assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64


def test_a_region_is_followed_through_its_days(visit, address):
    page = visit("/regions/12192#C1.0/48")
    page.evaluate("window.same = true")
    page.locator("#days").focus()
    with page.expect_response(f"**/regions/12192/days/{DAYS[1]}"):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
    page.locator("h2", has_text="At 22 Oct 2014, 00:30 UTC").wait_for()
    of_day = page.request.get(f"{address}/api/v1/forecasts?day={DAYS[1]}").json()["items"][0]["id"]
    shown = {one["noaa_ar"]: one["shown"] for one in numbers(page, address, of_day)["regions"]}[12192]
    assert page.locator(".headline .text").inner_text() == f"{percent(shown['C1.0/48'])} %"
    assert "Since the forecast of 21 Oct 2014" in page.locator(".life").inner_text()
    assert page.locator(".line.on circle").count() == len(DAYS)
    assert page.locator(".patch").count() == 0  # its image is of a later day
    assert page.evaluate("window.same")
    assert page.url == f"{address}/regions/12192/days/{DAYS[1]}#C1.0/48"
    page.locator("#day-after").click()
    page.locator("h2", has_text="At 23 Oct").wait_for()
    page.goto(f"{address}/days/{DAYS[2]}")
    mark(page, 12192).click()
    page.wait_for_url(f"**/regions/12192/days/{DAYS[2]}")


def test_all_that_a_page_says_of_a_day_follows_the_slider(visit, address):
    page = visit("/")
    page.locator("#day-before").click()
    page.locator("h1", has_text="23 Oct").wait_for()
    there = visit(f"/days/{DAYS[2]}", java_script_enabled=False)
    for part in ("#know table", "#know p:last-child", "nav"):
        followed, fresh = (
            one.locator(part).first.evaluate('e => e.innerHTML.replace(/ title="[^"]*"/g, \'\')')
            for one in (page, there)
        )
        assert followed == fresh


def test_everything_is_reached_by_the_keyboard_alone(visit, address):
    page = visit("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the forecast"
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        active = page.evaluate(
            "[document.activeElement.tagName, document.activeElement.id, document.activeElement.name ?? '',"
            " document.activeElement.getAttribute('href') ?? '',"
            " getComputedStyle(document.activeElement.classList.contains('mark')"
            " ? document.activeElement.querySelector('.hit') : document.activeElement).stroke]"
        )
        seen.append(active)
        if active[2] == "class":
            page.keyboard.press("ArrowRight")
            assert page.locator("input[name=class]:checked").input_value() == "X1.0"
        if active[0] == "a" and active[3].startswith("/regions/12192"):
            break
    assert {"days", ""} <= {one[1] for one in seen}
    assert {"hours", "class"} <= {one[2] for one in seen}
    assert seen[-1][4] != "none"  # the region's ring shows that it has the focus
    page.keyboard.press("Enter")
    page.wait_for_url("**/regions/12192#X1.0/24")
    assert page.locator("h1").inner_text().startswith("NOAA 12192")


def drop(page, paths):
    """Let files fall on the page, beside the field for them."""
    files = [{"name": path.name, "text": base64.b64encode(path.read_bytes()).decode()} for path in paths]
    page.evaluate(f"files => {{ {DROP.replace('arguments[0]', 'files')} }}", files)


def test_files_that_are_dropped_are_forecast_and_what_is_none_is_told(visit, address, fake_run, tmp_path):
    png = sorted((fake_run[0] / "set/images").rglob("*.png"))[0]
    (tmp_path / "holiday.txt").write_text("no magnetogram")
    page = visit("/")
    assert page.locator("#upload .warning").inner_text() == f"r: {RANDOM_FILTERS}"
    drop(page, [png, tmp_path / "holiday.txt"])
    page.locator(".result").nth(1).wait_for()
    form = {"images": {"name": png.name, "mimeType": "image/png", "buffer": png.read_bytes()}}
    found = page.request.post(f"{address}/api/v1/uploads", multipart=form).json()["forecasts"][0]
    first, second = page.locator(".result").all()
    assert first.locator(".big").inner_text() == f"{percent(found['probability'])} %"
    assert f"NOAA {found['noaa_ar']}" in first.inner_text()
    assert first.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert "holiday.txt" in second.inner_text()
    assert "expected a .png" in second.inner_text()
    assert page.locator("#uploaded").inner_text().count(RANDOM_FILTERS) == 1
    first.get_by_role("button", name="Where in").click()
    drawn = first.locator("figure.map img")
    assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64


def test_magnetograms_of_the_published_layout_are_forecast_several_at_once(visit, address, tmp_path):
    layout = "1429_hmi.M_720s.201203{}_TAI.1.magnetogram.fits"
    paths = [tmp_path / layout.format(time) for time in ("06_142400", "06_143600")]
    for seed, path in enumerate(paths):
        path.write_bytes(published_fits(seed))
    (tmp_path / "again").mkdir()
    twin = tmp_path / "again" / paths[0].name  # another file of the same name
    twin.write_bytes(published_fits(5))
    page = visit("/")
    drop(page, [*paths, twin])
    page.locator(".result").nth(2).wait_for()
    files = [("images", (path.name, path.read_bytes())) for path in [*paths, twin]]
    said = httpx2.post(f"{address}/api/v1/uploads", files=files).json()
    for item, one in zip(page.locator(".result").all(), said["forecasts"], strict=True):
        assert item.locator(".big").inner_text() == f"{percent(one['probability'])} %"
        assert "NOAA 11429, 2012-03-06 14:" in item.inner_text()
        assert item.get_by_role("button", name="Where in").count() == 1
    assert len({one["probability"] for one in said["forecasts"]}) == 3


def test_a_box_takes_pixels_without_a_value_for_zero_field(visit, tmp_path):
    path = tmp_path / "1429_hmi.M_720s.20120306_142400_TAI.1.magnetogram.fits"
    path.write_bytes(published_fits(0, nan=True))
    page = visit("/")
    drop(page, [path])
    told = page.locator("#uploaded .warning")
    told.wait_for()
    assert "the box beside the button" in told.inner_text()
    assert "--" not in told.inner_text()
    page.get_by_label("pixels without a value").check()
    drop(page, [path])
    page.locator(".result .big").wait_for()
    visit.complaints[:] = [text for text in visit.complaints if "422" not in text]  # the browser names the status


def published_fits(seed, *, nan=False):
    """Give a made field as the published set has them: 600 x 600, compressed by Rice in HDU 1."""
    field = np.round(np.random.default_rng(seed).normal(0, 80, (600, 600)))
    if nan:
        field[:2] = np.nan
        hdu = fits.CompImageHDU(field.astype(np.float32), compression_type="GZIP_2", quantize_level=0.0)
    else:
        hdu = fits.CompImageHDU(field.astype(np.int32), compression_type="RICE_1")
    hdu.header.update({"T_REC": "2012.03.06_14:24:00_TAI", "NOAA_AR": 11429, "BUNIT": "Gauss", "TELESCOP": "SDO/HMI"})
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(stream)
    return stream.getvalue()


def test_files_are_chosen_by_the_keyboard_and_a_refusal_is_said(visit, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    page = visit("/", width=400)
    page.locator("#images").focus()
    page.locator("#images").set_input_files(tmp_path / "notes.png")
    told = page.locator("#uploaded .warning")
    told.wait_for()
    assert "notes.png" in told.inner_text()
    visit.complaints[:] = [text for text in visit.complaints if "422" not in text]  # the browser names the status


def test_local_times_are_told_on_hover(visit):
    page = visit("/", timezone_id="Asia/Tokyo", locale="en-GB")
    time = page.locator("h1 time")
    assert (time.inner_text(), time.get_attribute("datetime")) == (
        "24 Oct 2014, 00:30 UTC",
        "2014-10-24T00:30:00+00:00",
    )
    assert re.fullmatch(r"Your time: Fri,? 24 Oct 2014.* 09:30 .*", time.get_attribute("title"))


def test_without_scripts_the_page_says_it_all(visit):
    page = visit("/", java_script_enabled=False)
    assert row(page, 12192).endswith(" %")
    assert page.locator("table", has_text="All probabilities").locator("tbody tr").count() >= 4
    page.locator("#day-before").click()
    assert page.locator("h1").inner_text().endswith("23 Oct 2014, 00:30 UTC")
    assert page.locator("#official a").count() == 6
    assert "this is no official forecast" in page.locator(".notice").inner_text()


@pytest.mark.parametrize(("path", "scheme"), [("/", "light"), (f"/days/{DAYS[0]}", "dark"), ("/regions/12192", "dark")])
def test_axe_finds_nothing_serious(visit, path, scheme):
    page = visit(path, scheme=scheme)
    found = axe_api.Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    serious = [
        (one["id"], one["impact"], one["nodes"][0]["html"][:200])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def unusual_archive(folder):
    """Keep a day without regions, a day with a forecast an hour, and one by a model of a long name among others."""
    quiet, often, last = (made_forecast(day) for day in (1, 2, 3))
    keep(folder, replace(quiet, rows=quiet.rows[quiet.rows["noaa_ar"].isna()].reset_index(drop=True)))
    for hours in range(12):
        late = pd.Timedelta(hours=hours)
        keep(folder, replace(often, issued=often.issued + late, stored=often.stored + late))
    named = {"a_model_of_a_long_name_" * 5: 0.3, "vgg16 (flare history unknown)": 0.4, "regions": 0.2}
    rows = pd.concat([made_rows(share, model=name) for name, share in named.items()], ignore_index=True)
    models = tuple(ModelUsed(name.partition(" (")[0], "", "1996-08-09T00:30", "2012-12-28T00:30") for name in named)
    keep(folder, replace(last, rows=rows, models=models, notes=("x" * 300, RANDOM_FILTERS)))
    return folder


def test_unusual_days_fit_a_phone_and_say_what_they_are(browser, tmp_path):
    complaints = []
    context = browser.new_context(viewport={"width": 400, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    with serving(Settings(archive=unusual_archive(tmp_path / "a"), port=0)) as found:
        said = {}
        for path in ("/", "/regions/11158", "/days/2011-02-02", "/days/2011-02-01"):
            page.goto(found + path, wait_until="load")
            assert page.evaluate("document.documentElement.scrollWidth") <= 400, path
            said[path] = page.locator("main").inner_text()
            assert page.locator("#warnings").inner_text() == (RANDOM_FILTERS if path[-2:] in ("/", "58") else "")
    assert "No test of the model a_model" in said["/"]
    assert "Issued on that day, UTC: 00:30, 01:30," in said["/days/2011-02-02"]
    assert "for the whole disk, until" in said["/days/2011-02-01"]
    assert "No region with spots was on the disk." in said["/days/2011-02-01"]
    with opened(tmp_path / "none", write=True):
        pass  # an archive that holds nothing
    with serving(Settings(archive=tmp_path / "none", port=0)) as found:
        page.goto(found, wait_until="load")
        assert page.locator("h1").inner_text() == "No forecast yet"
    context.close()
    assert complaints == []


def test_the_score_stands_beside_climatology_persistence_and_noaa(visit):
    page = visit("/", scheme="dark")
    text = page.locator("#score").inner_text()
    assert "NO TEST: these scores are made up." in text
    assert {"persistence", "NOAA (SWPC), on 40", "McIntosh rates (MCSTAT)"} <= set(
        page.locator(".skill text").all_text_contents()
    )
    assert (
        "What came in the 24 hours after: 7 flares of C1.0 or above, the largest X3.1."
        in page.locator(".came").inner_text()
    )
    page.evaluate("document.getElementById('score').scrollIntoView()")
    keep_picture(page, "score")


def test_what_is_not_there_is_said_on_a_page(browser, address):
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"{address}/days/1999-01-01")
    assert answer.status == 404
    assert page.locator("main").inner_text().startswith("Nothing here\n")
    context.close()


@pytest.mark.slow  # another browser is started
@pytest.mark.skipif(FIREFOX is None, reason="no Firefox here: the pages were opened in Chromium alone")
def test_the_pages_work_in_firefox_too(address, fake_run, tmp_path):
    png = sorted((fake_run[0] / "set/images").rglob("*.png"))[0]
    with firefox(tmp_path / "profile") as page:
        page.do("SetWindowRect", width=500, height=900)  # it makes no narrower ones
        page.open(address)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        page.click("label.card:last-child")
        assert page.text("caption [data-chosen]") == "of X1.0 or more within 24 h"
        page.press("#days", LEFT)
        page.wait("return document.querySelector('h1').textContent.includes('23 Oct 2014')")
        assert page.run("return location.pathname + location.hash") == f"/days/{DAYS[2]}#X1.0/24"
        page.run(DROP, [{"name": png.name, "text": base64.b64encode(png.read_bytes()).decode()}])
        page.wait("return document.querySelector('.result .big') !== null")
        assert page.text(".result .big").endswith(" %")
        page.click('tr[data-ar="12192"] a')
        page.wait("return document.querySelector('h1').textContent.startsWith('NOAA 12192')")
        assert page.text("h2") == "At 23 Oct 2014, 00:30 UTC"
        assert page.complaints(address) == []
        page.run("document.querySelector('main').insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
        page.wait("return true")
        assert page.complaints(address) != []  # it would have been heard


def test_a_complaint_would_be_heard(visit):
    """The checks above can fail: an inline style is refused by the policy, aloud."""
    page = visit("/")
    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
    assert any("Content Security Policy" in text for text in visit.complaints)
    visit.complaints.clear()
