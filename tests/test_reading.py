"""Do images come in order from the threads that read ahead, in bounded number, and is no thread ever left behind?"""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import write_pngs
from flarescope.errors import InputError
from flarescope.images import reading
from flarescope.images.magnetogram import read_bytes
from flarescope.images.reading import READ_AHEAD, digest_of, read_ahead, read_image
from flarescope.images.render import Rendering
from waiting import LIMIT_S, wait_until

READ = partial(read_image, rendering=Rendering("reference-png"))


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


def note_reads(monkeypatch, before=lambda name: None):
    """Give the names of the files as they are read; `before` is called with each, in the thread that reads."""
    read = []

    def noted(path):
        before(path.name)
        content = read_bytes(path)
        read.append(path.name)
        return content

    monkeypatch.setattr(reading, "read_bytes", noted)
    return read


@pytest.fixture
def ending(monkeypatch):
    """Set once the reading has been told to end, before it waits for its threads."""
    told = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            told.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(reading, "ThreadPoolExecutor", Pool)
    return told


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_images_come_in_order_whatever_the_number_of_workers(paths, workers):
    images = list(read_ahead(paths, READ, workers=workers))
    assert [image.fingerprint.digest for image in images] == [digest_of(path.read_bytes()) for path in paths]
    assert [image.fingerprint.size for image in images] == [path.stat().st_size for path in paths]
    assert [image.fingerprint.mtime_ns for image in images] == [path.stat().st_mtime_ns for path in paths]
    for image, inline in zip(images, read_ahead(paths, READ, workers=0), strict=True):
        assert np.array_equal(image.rendered.pixels, inline.rendered.pixels)
    assert reading_threads() == []


def test_order_is_kept_when_the_first_files_are_the_slowest(paths, monkeypatch):
    slow = [path.name for path in paths[:3]]
    read = note_reads(monkeypatch, lambda name: name in slow and wait_until(lambda: len(read) > 0))
    images = list(read_ahead(paths, READ, workers=4))
    assert [image.fingerprint.digest for image in images] == [digest_of(path.read_bytes()) for path in paths]
    assert read[0] == paths[3].name


@settings(max_examples=25)
@given(order=st.lists(st.integers(0, 39), max_size=60), workers=st.integers(0, 5))
def test_any_list_of_files_comes_back_as_asked(folder, order, workers):
    paths = [folder / f"{number:05d}.png" for number in order]
    got = [image.fingerprint.digest for image in read_ahead(paths, READ, workers=workers)]
    assert got == [digest_of(path.read_bytes()) for path in paths]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_an_unreadable_file_is_named_at_its_place_in_the_order(paths, tmp_path, workers):
    bad = tmp_path / "bad.png"
    bad.write_text("this is text")
    stream = read_ahead([*paths[:7], bad, *paths[7:]], READ, workers=workers)
    assert len(list(islice(stream, 7))) == 7
    with pytest.raises(InputError, match=r"bad\.png: not a PNG, whatever its name says"):
        next(stream)
    assert reading_threads() == []


@pytest.mark.parametrize("workers", [1, 4])
def test_a_missing_file_leaves_no_thread_behind_and_cancels_the_rest(paths, tmp_path, workers, monkeypatch, ending):
    read = note_reads(monkeypatch, lambda name: name == "gone.png" or ending.wait(LIMIT_S))
    stream = read_ahead([tmp_path / "gone.png", *paths * 10], READ, workers=workers)
    with pytest.raises(InputError, match=r"gone\.png: no such image; check --images"):
        next(stream)
    assert reading_threads() == []
    assert len(read) <= workers  # those in hand


@pytest.mark.parametrize("workers", [1, 4])
def test_closing_early_leaves_no_thread_behind(paths, workers):
    stream = read_ahead(paths, READ, workers=workers)
    next(stream)
    assert len(reading_threads()) in range(1, workers + 1)
    stream.close()
    assert reading_threads() == []


def test_ctrl_c_while_the_consumer_waits_leaves_nothing(paths, monkeypatch, ending, interruptible):
    """Ctrl-C arrives in the main thread, inside the generator, while the first file is still being read."""
    main, handed_over = threading.get_ident(), threading.Event()

    def hand_over():
        yield from paths
        handed_over.set()

    def interrupt(name):
        if name == paths[0].name:
            handed_over.wait(LIMIT_S)
            # A signal that comes just before the wait does not end it; this file does, a moment later.
            signal.pthread_kill(main, signal.SIGINT)
        else:
            ending.wait(LIMIT_S)

    read = note_reads(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(read_ahead(hand_over(), READ, workers=2))
    assert reading_threads() == []
    assert len(read) <= 3  # the first, and those in hand


def consume(stream):
    for _ in stream:
        raise KeyboardInterrupt


def test_ctrl_c_in_the_consumer_leaves_nothing(paths):
    with pytest.raises(KeyboardInterrupt):
        consume(read_ahead(paths, READ, workers=3))
    assert reading_threads() == []


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_reading_ahead_is_bounded(paths, workers, monkeypatch):
    handed_over = []

    def hand_over():
        for number in range(10_000):
            handed_over.append(number)
            yield paths[number % len(paths)]

    read = note_reads(monkeypatch)
    stream = read_ahead(hand_over(), READ, workers=workers)
    for taken in (1, 2):
        next(stream)
        assert len(handed_over) == taken + READ_AHEAD * workers
        wait_until(lambda: len(read) == len(handed_over))
    stream.close()


def test_no_files_give_no_images():
    for workers in (0, 2):
        assert list(read_ahead([], READ, workers=workers)) == []
