"""Do images come in order from the threads that read ahead, in bounded number, and is no thread ever left behind?"""

import signal
import threading
import time
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import write_pngs
from flarescope.errors import InputError
from flarescope.images import reading
from flarescope.images.magnetogram import read_bytes
from flarescope.images.reading import READ_AHEAD, digest_of, read_ahead
from flarescope.images.render import Rendering

PNG = Rendering("reference-png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("images")
    write_pngs(path, 40, size=16)
    return path


@pytest.fixture
def paths(folder):
    return sorted(folder.glob("*.png"))


def reading_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("flarescope-read")]


def read_slowly_and_count(monkeypatch, delays):
    """Let each file take a time of its own, and note which were read."""
    read = []

    def slow(path):
        time.sleep(delays.get(path.name, 0.0))
        read.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(reading, "read_bytes", slow)
    return read


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_images_come_in_order_whatever_the_number_of_workers(paths, workers):
    images = list(read_ahead(paths, PNG, workers=workers))
    assert [image.fingerprint.digest for image in images] == [digest_of(path.read_bytes()) for path in paths]
    assert [image.fingerprint.size for image in images] == [path.stat().st_size for path in paths]
    assert [image.fingerprint.mtime_ns for image in images] == [path.stat().st_mtime_ns for path in paths]
    for image, inline in zip(images, read_ahead(paths, PNG, workers=0), strict=True):
        assert np.array_equal(image.rendered.pixels, inline.rendered.pixels)
    assert reading_threads() == []


def test_order_is_kept_when_the_first_files_are_the_slowest(paths, monkeypatch):
    delays = {path.name: 0.05 for path in paths[:3]}
    read = read_slowly_and_count(monkeypatch, delays)
    images = list(read_ahead(paths, PNG, workers=4))
    assert [image.fingerprint.digest for image in images] == [digest_of(path.read_bytes()) for path in paths]
    assert read[0] != paths[0].name  # a later file was in fact ready first


@settings(max_examples=25)
@given(order=st.lists(st.integers(0, 39), max_size=60), workers=st.integers(0, 5))
def test_any_list_of_files_comes_back_as_asked(folder, order, workers):
    paths = [folder / f"{number:05d}.png" for number in order]
    got = [image.fingerprint.digest for image in read_ahead(paths, PNG, workers=workers)]
    assert got == [digest_of(path.read_bytes()) for path in paths]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_an_unreadable_file_is_named_at_its_place_in_the_order(paths, tmp_path, workers):
    bad = tmp_path / "bad.png"
    bad.write_text("this is text")
    stream = read_ahead([*paths[:7], bad, *paths[7:]], PNG, workers=workers)
    assert len(list(islice(stream, 7))) == 7
    with pytest.raises(InputError, match=r"bad\.png: not a PNG, whatever its name says"):
        next(stream)
    assert reading_threads() == []


@pytest.mark.parametrize("workers", [1, 4])
def test_a_missing_file_leaves_no_thread_behind_and_cancels_the_rest(paths, tmp_path, workers, monkeypatch):
    read = read_slowly_and_count(monkeypatch, {path.name: 0.005 for path in paths})
    stream = read_ahead([tmp_path / "gone.png", *paths * 10], PNG, workers=workers)
    with pytest.raises(InputError, match=r"gone\.png: no such image; check --images"):
        next(stream)
    assert reading_threads() == []
    assert len(read) < READ_AHEAD * workers / 2


@pytest.mark.parametrize("workers", [1, 4])
def test_closing_early_leaves_no_thread_behind(paths, workers):
    stream = read_ahead(paths, PNG, workers=workers)
    next(stream)
    assert len(reading_threads()) in range(1, workers + 1)
    stream.close()
    assert reading_threads() == []


def test_ctrl_c_while_the_consumer_waits_leaves_nothing(paths, monkeypatch):
    """Ctrl-C arrives in the main thread, inside the generator, while the first file is still being read."""
    read = read_slowly_and_count(monkeypatch, {paths[0].name: 0.4, **{path.name: 0.02 for path in paths[1:]}})
    main = threading.get_ident()

    timer = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        list(read_ahead(paths, PNG, workers=2))
    timer.join()
    assert reading_threads() == []
    assert len(read) < len(paths)


def consume(stream):
    for _ in stream:
        raise KeyboardInterrupt


def test_ctrl_c_in_the_consumer_leaves_nothing(paths):
    with pytest.raises(KeyboardInterrupt):
        consume(read_ahead(paths, PNG, workers=3))
    assert reading_threads() == []


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_reading_ahead_is_bounded(paths, workers, monkeypatch):
    read = read_slowly_and_count(monkeypatch, {})
    many = (paths[number % len(paths)] for number in range(10_000))
    stream = read_ahead(many, PNG, workers=workers)
    for taken in (1, 2):
        next(stream)
        settle(read, taken + READ_AHEAD * workers)
        assert len(read) == taken + READ_AHEAD * workers
    stream.close()


def settle(read, expected):
    """Wait until so many files are read, and a little longer for any that should not be."""
    deadline = time.monotonic() + 20
    while len(read) < expected and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)


def test_no_files_give_no_images():
    for workers in (0, 2):
        assert list(read_ahead([], PNG, workers=workers)) == []


def test_the_rendering_may_be_chosen_by_file(paths):
    asked = []

    def choose(path):
        asked.append(path)
        return PNG

    assert len(list(read_ahead(paths[:5], choose, workers=2))) == 5
    assert sorted(asked) == paths[:5]
