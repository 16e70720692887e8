"""Is an uploaded image forecast as `predict` does it, and does a hostile one harm nobody else?"""

import asyncio
import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from starlette.testclient import TestClient

from fakes import FakeEngine, train_three_epochs, use_fake_network, write_set
from flarescope.cli import main
from flarescope.errors import FlarescopeError, InputError
from flarescope.images.line_of_sight import Accept
from flarescope.images.png_chunks import PNG_MAGIC
from flarescope.images.reading import read_image
from flarescope.images.render import Rendering
from flarescope.serving.answers import CSV, Problem
from flarescope.serving.app import create_app
from flarescope.serving.guard import Body, Held
from flarescope.serving.metrics import Metrics
from flarescope.serving.settings import Limits, Settings
from flarescope.serving.shared_engine import SharedEngine
from flarescope.serving.uploads import Upload, Uploads, plain_name

pytestmark = pytest.mark.xdist_group("serving")
HERE = "http://127.0.0.1"
CORPUS = Path(__file__).parent / "corpus" / "fits"
UPLOADS = "/api/v1/uploads"
OPEN = {"rate": 1e6, "burst": 1e6, "uploads_rate": 1e6, "uploads_burst": 1e6}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A tiny set, and a run that a fake network was trained on."""
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_network(patch)
        paths = write_set(folder, regions={"train": [1121, 1122], "validation": [1123]})
        train_three_epochs(paths, folder / "png")
        yield paths | {"run": folder / "png", "pngs": sorted((folder / "images").rglob("*.png"))}


@pytest.fixture(scope="module")
def client(data):
    """A server whose engine and decoders are started."""
    settings = Settings(runs=(data["run"],), limits=Limits(**OPEN, images=6, upload_bytes=1 << 20, decoders=1))
    with TestClient(create_app(settings), base_url=HERE) as client:
        yield client


@pytest.fixture
def decoders(client):
    """Those of the server."""
    return client.app.state.uploads._decoders


def send(client, paths, **headers):
    return client.post(UPLOADS, files=[("images", (path.name, path.read_bytes())) for path in paths], headers=headers)


def test_uploads_have_the_numbers_of_predict_to_the_last_digit(client, data, capsys, monkeypatch, tmp_path):
    pngs = data["pngs"][:3]
    monkeypatch.chdir(pngs[0].parent)
    names = [path.name for path in pngs]
    assert main(["predict", str(data["run"]), *names, "--json", "--quiet", "--csv", str(tmp_path / "f.csv")]) == 0
    said = json.loads(capsys.readouterr().out)
    found = send(client, pngs).json()
    assert found["forecasts"] == said
    assert found["model"] == "png"
    assert "no official forecast" in found["notice"]
    assert send(client, pngs, Accept=CSV).content == (tmp_path / "f.csv").read_bytes()
    alone = client.post(
        f"{UPLOADS}?name={names[0]}", content=pngs[0].read_bytes(), headers={"Content-Type": "image/png"}
    )
    # One image alone is another batch than three, for predict too: a head's last digits go by it.
    assert main(["predict", str(data["run"]), names[0], "--json", "--quiet"]) == 0
    assert alone.json()["forecasts"] == json.loads(capsys.readouterr().out)


def test_what_cannot_be_read_is_named_and_costs_no_other(client, data):
    good = data["pngs"][0]
    files = [
        ("images", ("a.txt", b"text")),
        ("images", (good.name, good.read_bytes())),
        ("images", ("../../etc/b.png", b"no PNG")),
        ("images", (good.name, good.read_bytes())),
    ]
    found = client.post(UPLOADS, files=files).json()["forecasts"]
    assert [one["filename"] for one in found] == [good.name, f"3-{good.name}", "a.txt", "b.png"]
    assert found[0]["probability"] == found[1]["probability"]
    assert [one["reason"].partition(":")[0] for one in found[2:]] == ["a.txt", "b.png"]
    none = client.post(UPLOADS, files=files[2:3])
    assert (none.status_code, none.headers["content-type"]) == (422, "application/problem+json")
    assert none.json()["reasons"] == ["b.png: not a PNG, whatever its name says; fetch or convert it again"]


def test_a_file_that_kills_its_decoder_harms_no_other(client, data):
    for _ in range(2):
        found = send(client, [CORPUS / "aborts_a_decoder.fits", data["pngs"][0]]).json()
        assert found["forecasts"][0]["probability"] is not None
        assert "damaged" in found["forecasts"][1]["reason"]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "expected multipart/form-data"),
        ({"content": b"x"}, 415, "missing"),
        ({"content": b"", "headers": {"Content-Type": "image/png"}}, 400, "no image"),
        ({"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "cannot be read"),
        ({"content": b"ab", "headers": {"Content-Type": "multipart/form-data; boundary=q"}}, 400, "cannot be read"),
        ({"files": [("other", ("a.png", b"x"))]}, 400, "expected files in the field 'images'"),
        ({"files": [("images", (f"{number}.png", b"x")) for number in range(7)]}, 400, "Too many files"),
        ({"content": b"x" * (1 << 21), "headers": {"Content-Type": "image/png"}}, 413, "more than 1,048,576 bytes"),
        (
            {"content": iter([b"x" * (1 << 19)] * 3), "headers": {"Content-Type": "image/png"}},
            413,
            "more than 1,048,576",
        ),
        ({"content": b"x", "headers": {"Content-Type": "image/png"}, "params": {"nan": "one"}}, 422, "error or zero"),
        ({"content": b"x", "headers": {"Content-Type": "image/png"}, "params": {"model": "no"}}, 404, "no model no"),
    ],
)
def test_a_body_that_is_no_upload_is_a_problem(client, options, status, said):
    found = client.post(UPLOADS, **options)
    assert found.status_code == status
    assert said in found.json()["detail"]
    assert client.app.state.held.now == 0


def test_a_page_of_another_origin_sends_nothing(client, data):
    assert send(client, data["pngs"][:1], **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_without_a_run_there_are_no_uploads(tmp_path, data):
    from flarescope.archive import keep
    from made_archive import made_forecast

    keep(tmp_path, made_forecast())
    client = TestClient(create_app(Settings(archive=tmp_path)), base_url=HERE)
    assert "no model of images" in send(client, data["pngs"][:1]).json()["detail"]


def served(data, **limits):
    settings = Settings(runs=(data["run"],))
    uploads = Uploads(
        list(create_app(settings).state.models.values()), Limits(**{**OPEN, "decoders": 1, **limits}), Metrics()
    )
    return uploads, next(iter(uploads._models))


def test_a_full_queue_says_when_to_ask_again(data):
    uploads, model = served(data, queued=4, images=3)
    images = [(path.name, path.read_bytes()) for path in data["pngs"][:3]]
    uploads._pending["somebody"] = 2
    with pytest.raises(Problem, match="too many images wait") as caught:
        asyncio.run(uploads.forecast(model, Upload("me", images)))
    assert caught.value.status == 503
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 60
    assert uploads.pending == 2
    uploads.close()


def test_one_client_does_not_fill_the_queue(data):
    uploads, model = served(data, queued=8, images=2)
    uploads._pending["me"] = 4
    with pytest.raises(Problem, match="too many images wait"):
        asyncio.run(uploads.forecast(model, Upload("me", [("a.png", b"")])))
    with pytest.raises(Problem, match=r"expected a \.png"):
        asyncio.run(uploads.forecast(model, Upload("another", [("a.txt", b"")])))
    assert uploads._pending == {"me": 4}
    uploads.close()


def test_a_client_has_so_many_images(data):
    uploads, model = served(data, uploads_rate=0.01, uploads_burst=2)
    with pytest.raises(Problem) as caught:
        asyncio.run(uploads.forecast(model, Upload("me", [("a.png", b"")] * 3)))
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "100")
    uploads.close()


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("a.png", "a.png"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\b.fits", "b.fits"),
        ("..", ""),
        ("a/", ""),
        ("x\x1b[2J\n.png", "x\\x1b[2J .png"),
        ("Regi\udcf3n.png", "Regi\\xf3n.png"),
        ("\0.png", ".png"),
    ],
)
def test_the_name_of_an_upload_leads_nowhere(told, name):
    assert plain_name(told) == name
    assert len(plain_name(told + "x" * 5000)) <= 200


def rice(shape):
    field = np.round(np.random.default_rng(0).normal(0, 80, shape))
    hdu = fits.CompImageHDU(field.astype(np.int32), compression_type="RICE_1")
    hdu.header.update({"T_REC": "2012.03.06_14:24:00_TAI", "NOAA_AR": 11429, "BUNIT": "Gauss"})
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(stream)
    return stream.getvalue()


def test_a_process_of_its_own_reads_what_this_one_reads(decoders, data, tmp_path):
    path = tmp_path / "1429_hmi.fits"
    path.write_bytes(rice((64, 80)))
    for file, rendering in ((path, Rendering("reference-fits")), (data["pngs"][0], Rendering("smooth-png", size=240))):
        here = read_image(file, rendering).rendered
        there = decoders.decode(file.name, file.read_bytes(), rendering, Accept()).rendered
        assert np.array_equal(there.pixels, here.pixels)
        assert there.pixels.dtype == here.pixels.dtype
        assert (there.noaa_ars, there.time, there.look, there.flags) == (
            here.noaa_ars,
            here.time,
            here.look,
            here.flags,
        )


@pytest.mark.parametrize("content", [b"", PNG_MAGIC, b"SIMPLE  =", b"\x1f\x8b" + bytes(20), b"\xff\xd8\xff"])
@pytest.mark.parametrize("name", ["a.png", "a.fits", "a.fits.gz", "a.jpg", "a.JP2"])
def test_no_content_ends_the_process(decoders, name, content):
    process = decoders._all[0]._process
    with pytest.raises(InputError, match=f"^{name}: "):
        decoders.decode(name, content, Rendering.for_file(name), Accept())
    assert decoders._all[0]._process is process or process is None


def test_threads_share_an_engine_and_each_gets_its_own_batches():
    plain, pixels = FakeEngine(), np.random.default_rng(0).uniform(0, 255, (12, 1, 224, 224)).astype(np.float32)
    engine = SharedEngine(plain, window_s=0.05)
    expected = [FakeEngine()._features(pixels[number : number + 3]) for number in range(0, 12, 3)]
    found = [None] * 4
    start = threading.Barrier(4)

    def ask(number):
        start.wait()
        batches = [pixels[3 * number : 3 * number + 2], pixels[3 * number + 2 : 3 * number + 3]]
        found[number] = np.concatenate(list(engine.stream(iter(batches))))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert sorted(plain.batches) == [1] * 4 + [2] * 4
    assert engine.passes <= 8


def test_an_engine_that_fails_fails_for_those_who_asked_and_runs_on():
    def edit(features):
        if features[0, 0] == 0:
            raise FlarescopeError("out of memory")

    engine = SharedEngine(FakeEngine(edit=edit), window_s=0.0)
    good, bad = np.full((1, 1, 224, 224), 9, np.float32), np.zeros((1, 1, 224, 224), np.float32)
    for _ in range(2):
        with pytest.raises(FlarescopeError, match="out of memory"):
            list(engine.stream(iter([bad])))
        assert len(list(engine.stream(iter([good])))) == 1
    engine.close()


def receiving(*pieces):
    """Give the pieces of a body, and then nothing, for ever."""
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]

    async def receive():
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()

    return receive


def drained(body):
    async def drain():
        while True:
            await body.receive()

    return asyncio.run(drain())


def test_a_body_that_comes_too_slowly_is_not_waited_for_and_holds_what_came():
    held = Held(100)
    body = Body(receiving(b"12345"), held, most=50, within_s=60, gap_s=0.01)
    with pytest.raises(Problem, match="too slowly"):
        drained(body)
    assert held.now == 5
    body.forget()
    assert held.now == 0


def test_bodies_of_all_clients_together_have_a_limit():
    held = Held(8)
    Body(receiving(b"12345"), held, most=50, within_s=60, gap_s=0.01)
    held.now = 5
    with pytest.raises(Problem, match="too many uploads at once") as caught:
        drained(Body(receiving(b"1234"), held, most=50, within_s=60, gap_s=1))
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("name=a.txt", 422, "expected a .png"),
        ("name=a.png&nan=x", 422, "error or zero"),
        ("model=x", 404, "no model x"),
    ],
)
def test_what_cannot_have_a_map_is_a_problem(client, query, status, said):
    found = client.post(f"/api/v1/maps?{query}", content=b"x", headers={"Content-Type": "image/png"})
    assert found.status_code == status
    assert said in found.json()["detail"]
