"""How are cut-outs that follow a region ordered from JSOC: a few orders at a time, through failures and restarts?

An order is one export of JSOC's `im_patch` (http://jsoc.stanford.edu/doxygen_html/group__im__patch.html), made with
the package `drms`. A manifest beside the files says how far each order is, so a run that ends continues.
"""

import json
import os
import random
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from flarescope.errors import FlarescopeError, InputError
from flarescope.fetch import Source, fetch
from flarescope.parsing import reason
from flarescope.sources.addresses import ADDRESSES, Addresses
from flarescope.sources.jsoc_manifest import Manifest
from flarescope.sources.jsoc_orders import SIDE_PIXELS, Order

_NOT_FOUND: Final = 6
FITS_BLOCK_BYTES: Final = 2880
MOST_HDUS: Final = 10
"""Of a cut-out; a header whose counts are negative leads a reader back to itself."""


class ExportRequest(Protocol):
    """What is used of `drms.ExportRequest`."""

    @property
    def id(self) -> str | None:
        """JSOC's number of the order."""

    @property
    def status(self) -> int:
        """0 finished well, 1 and 2 at work, 6 not found; the rest are refusals."""

    @property
    def urls(self) -> Any:  # noqa: ANN401 - a data frame with a column `url`; drms is untyped
        """Addresses of the finished files."""

    def has_finished(self) -> bool:
        """Ask JSOC whether the order is finished, well or not."""

    def has_succeeded(self, *, skip_update: bool = False) -> bool:
        """Whether it is finished well."""


class Client(Protocol):
    """What is used of `drms.Client`."""

    def export(self, ds: str, **options: Any) -> ExportRequest:  # noqa: ANN401
        """Order an export."""

    def export_from_id(self, requestid: str) -> ExportRequest:
        """Find an earlier order again."""


def make_client(email: str | None = None, *, addresses: Addresses = ADDRESSES) -> Client:
    """Connect to JSOC.

    Args:
        email: registered with JSOC; None takes the environment variable JSOC_EMAIL.
        addresses: of the services.

    Raises:
        InputError: no address, one that JSOC does not know, or `drms` is not installed.
        FlarescopeError: JSOC does not answer.
    """
    email = email or os.environ.get("JSOC_EMAIL")
    if not email:
        raise InputError(f"JSOC wants an e-mail address: register one at {addresses.jsoc_registration}, set JSOC_EMAIL")
    try:
        import drms
    except ImportError as error:
        raise InputError("cut-outs need the package drms: pip install 'flarescope[solar]'") from error
    try:
        client: Client = drms.Client(email=email)
    except json.JSONDecodeError as error:  # is a ValueError too
        raise FlarescopeError("JSOC does not answer in its own form; run the same command again later") from error
    except ValueError as error:
        raise InputError(f"JSOC does not know {email}: register it at {addresses.jsoc_registration}") from error
    except OSError as error:
        raise FlarescopeError(f"JSOC does not answer ({error}); run the same command again later") from error
    return client


@dataclass(frozen=True)
class CutoutReport:
    """What a run brought.

    Attributes:
        files: everything that is here now.
        failed: orders that gave nothing, as `record set: reason`; the next run tries them again.
    """

    files: tuple[Path, ...]
    failed: tuple[str, ...]


def download_cutouts(
    orders: Sequence[Order],
    folder: Path,
    client: Client,
    *,
    at_once: int = 2,
    attempts: int = 5,
    poll_s: float = 10.0,
    backoff_s: float = 5.0,
    limit_s: float = 6 * 3600,
    progress: Callable[[int, int], None] | None = None,
) -> CutoutReport:
    """Order cut-outs and fetch them; run again with the same folder, it continues where it stopped.

    Args:
        orders: see `make_order`; an order that the manifest knows already is not placed a second time.
        folder: image root; a file becomes `1121/1121_<JSOC's name>`, as in the published set.
        client: `make_client()`.
        at_once: orders that JSOC works on at a time; it is a shared service.
        attempts: for each step of an order, with growing waits.
        poll_s: seconds between two questions whether an order is ready.
        backoff_s: first wait after a failure.
        limit_s: seconds that an order may take at JSOC before it is given up in this run.
        progress: called with the number of orders that are done or failed, and of all.

    Raises:
        InputError: `at_once` below 1, a folder that cannot be written.
    """
    if at_once < 1:
        raise InputError(f"{at_once} orders at once; expected at least 1")
    manifest = Manifest.open(folder / "jsoc-manifest.json")
    run = _Run(manifest, folder, client, attempts, backoff_s, limit_s)
    waiting = [manifest.add(order) for order in orders]
    keys = list(dict.fromkeys(waiting))
    left = [key for key in keys if not run.is_done(key)]
    running: dict[str, ExportRequest] = {}
    while left or running:
        while left and len(running) < at_once:
            key = left.pop(0)
            request = run.place(key)
            if request is not None:
                running[key] = request
        for key in [key for key, request in running.items() if run.is_over(key, request)]:
            run.finish(key, running.pop(key))
        if progress:
            progress(len(keys) - len(left) - len(running), len(keys))
        if running:
            time.sleep(poll_s)
    failed = tuple(f"{manifest.orders[key].record_set}: {run.failures[key]}" for key in keys if key in run.failures)
    return CutoutReport(tuple(_paths(manifest, folder, keys)), failed)


def _paths(manifest: Manifest, folder: Path, keys: Iterable[str]) -> list[Path]:
    return [folder / name for key in keys for name in manifest.files(key)]


class _Run:
    """One run through the orders; every change of state goes into the manifest before anything else happens."""

    def __init__(
        self, manifest: Manifest, folder: Path, client: Client, attempts: int, backoff_s: float, limit_s: float
    ) -> None:
        self.manifest, self.folder, self.client = manifest, folder, client
        self.attempts, self.backoff_s, self.limit_s = attempts, backoff_s, limit_s
        self.failures: dict[str, str] = {}
        self.began: dict[str, float] = {}
        self.not_found: dict[str, int] = {}
        self.is_away = False

    def is_done(self, key: str) -> bool:
        """Whether an earlier run fetched every file of the order, and they are still here."""
        names = self.manifest.files(key)
        return self.manifest.state(key) == "done" and all((self.folder / name).is_file() for name in names)

    def _try(self, key: str, step: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the step returns
        """Take a step until it works; None, and a reason in `failures`, where it never does.

        drms lets through what urllib, its JSON reader and JSOC's own refusals raise; any of them may pass.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                result = step()
            except InputError:
                raise
            except (OSError, RuntimeError, ValueError, KeyError, TypeError, FlarescopeError) as error:
                self.failures[key] = " ".join(str(error).split()) or type(error).__name__
                self.is_away = isinstance(error, OSError)
                if attempt < self.attempts:
                    time.sleep(self.backoff_s * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            else:
                self.failures.pop(key, None)
                return result
        return None

    def place(self, key: str) -> ExportRequest | None:
        """Find the order of an earlier run again, or place it."""
        self.began[key] = time.monotonic()
        earlier = self.manifest.request_id(key)
        if earlier is not None:
            request: ExportRequest | None = self._try(key, lambda: self.client.export_from_id(earlier))
            if request is not None or self.is_away:
                return request  # the network fails, the order stands: placing it again would make two of it
        order = self.manifest.orders[key]
        request = self._try(key, lambda: self._export(order))
        if request is None:
            self.manifest.fail(key, self.failures[key])
        else:
            self.manifest.place(key, request.id)
        return request

    def _export(self, order: Order) -> ExportRequest:
        process = {"im_patch": dict(order.patch)}
        return self.client.export(
            order.record_set, method="url", protocol="fits", filenamefmt=order.file_format, process=process
        )

    def is_over(self, key: str, request: ExportRequest) -> bool:
        """Whether JSOC is done with the order, well or not, or it has taken too long."""
        if time.monotonic() - self.began[key] > self.limit_s:
            self.failures[key] = f"not ready after {self.limit_s:g} s"
            return True
        over = self._try(key, request.has_finished)
        if over is False and request.status == _NOT_FOUND:
            # A new order is not found for a moment; drms would wait for an old one, that JSOC has removed, for ever.
            self.not_found[key] = self.not_found.get(key, 0) + 1
            if self.not_found[key] > self.attempts:
                self.failures[key] = "JSOC does not know the order any more; the next run places it again"
                self.manifest.fail(key, self.failures[key])
                return True
        return over is None or bool(over)

    def finish(self, key: str, request: ExportRequest) -> None:
        """Fetch the files of an order that is over; what fails is placed anew by the next run."""
        if key in self.failures:
            return  # too slow, or JSOC is away: the order stands, the next run asks for it again
        if not request.has_succeeded(skip_update=True):
            self.failures[key] = f"JSOC refuses it (status {request.status})"
            self.manifest.fail(key, self.failures[key])
            return
        names = self._try(key, lambda: self._fetch_all(key, request))
        if names is None:
            self.manifest.fail(key, self.failures[key])
        else:
            self.manifest.finish(key, names)

    def _fetch_all(self, key: str, request: ExportRequest) -> list[str]:
        order = self.manifest.orders[key]
        names = []
        for url in request.urls["url"]:
            name = order.file_name(str(url).rsplit("/", 1)[-1])
            path = fetch(Source(name, str(url), None, None), self.folder / name, backoff_s=self.backoff_s)
            check_cutout(path)
            names.append(name)
        if not names:
            raise FlarescopeError("JSOC has no record in this period")
        return names


def check_cutout(path: Path) -> None:
    """Remove a file that is not a whole FITS cut-out.

    JSOC sends no digest; and where it does not understand `im_patch` it sends the whole disk and calls that a success.

    Raises:
        FlarescopeError: after the file is removed.
    """
    from astropy.io import fits

    size = path.stat().st_size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # HMI headers hold invalid cards
            with fits.open(path, memmap=False) as hdus:
                shapes = [hdu.shape for hdu in islice(hdus, MOST_HDUS) if hdu.header.get("NAXIS", 0) >= 2]
    except Exception as error:  # astropy has no error of its own for a damaged file
        path.unlink()
        raise FlarescopeError(f"{path.name} is not FITS ({reason(error)}); it was removed") from error
    if size % FITS_BLOCK_BYTES or not shapes or max(shapes[0]) > SIDE_PIXELS:
        path.unlink()
        what = f"an image of {shapes[0]}" if shapes else "no image"
        raise FlarescopeError(f"{path.name} holds {what} in {size} bytes, not a whole cut-out; it was removed")
