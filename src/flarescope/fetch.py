"""How does a file from the network arrive whole, verified and resumable?"""

import contextlib
import random
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from flarescope import files
from flarescope.answers import explain, extent, validator
from flarescope.errors import AbsentError, FlarescopeError, InputError
from flarescope.locks import lock_file, locked

if TYPE_CHECKING:  # requests and pooch take a third of a second to import; most commands fetch nothing
    import requests

_DIGEST_LENGTHS = {"md5": 32, "sha256": 64}
_CHUNK_BYTES = 2**16
_REAL_PROGRESS_BYTES = 2**20  # an attempt that brought this much does not count against the limit of attempts
_LONGEST_WAIT_S = 60.0
_PASSING_STATUSES = {408, 425, 429}  # and every 5xx


@dataclass(frozen=True)
class Source:
    """A file on the network: its name, address, size in bytes and digest, `md5:...` or `sha256:...`."""

    name: str
    url: str
    size: int | None
    digest: str | None

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or not urlsplit(self.url).hostname:
            raise InputError(f"{self.name}: expected an http or https address, got {self.url}")
        algorithm, _, value = (self.digest or "").partition(":")
        well_formed = len(value) == _DIGEST_LENGTHS.get(algorithm) and re.fullmatch("[0-9a-fA-F]+", value)
        if self.digest is not None and not well_formed:
            raise InputError(f"{self.name}: expected a digest such as md5:... or sha256:..., got {self.digest}")


def fetch(
    source: Source,
    destination: Path,
    *,
    progress: Callable[[int, int | None], None] | None = None,
    timeout_s: float = 30,
    attempts: int = 5,
    backoff_s: float = 1.0,
) -> Path:
    """Bring a file to `destination`, unless it is there already and is the right one; return its path.

    What has arrived stays in the folder `<destination>.part` until size and digest are verified, so the final name
    never holds a part of a file, and a broken or interrupted download continues there. `progress` is called with the
    bytes here and the total, None where unknown. What may pass is tried `attempts` times, with growing waits.

    Raises:
        FlarescopeError: no network, refused (AbsentError: no such file), wrong file, another process fetches the same.
        InputError: `destination` cannot be written.
    """
    destination = Path(destination)
    folder = _parts(destination)
    if _is_right(source, destination):
        _tidy(destination, folder)
        return destination
    files.make_folder(destination.parent)
    with files.translate_os_errors(destination), locked(destination):
        if not _is_right(source, destination):  # another process may have brought it meanwhile
            files.make_folder(folder)
            report = progress or (lambda done, total: None)
            download = _Download(source, destination, folder / "data", report, timeout_s, attempts, backoff_s)
            files.replace_durably(_retrieve(source, folder, download), destination)
        shutil.rmtree(folder, ignore_errors=True)
    return destination


def forget(destination: Path) -> None:
    """Remove a download that is not wanted any more, whole or in part, unless another process is at work on it."""
    folder = _parts(destination)
    if destination.exists() or folder.exists() or lock_file(destination).exists():
        with contextlib.suppress(FlarescopeError, OSError), locked(destination):
            shutil.rmtree(folder, ignore_errors=True)
            destination.unlink(missing_ok=True)


def _parts(destination: Path) -> Path:
    """Name the folder that holds what has arrived so far."""
    return destination.with_name(f"{destination.name}.part")


def _tidy(destination: Path, folder: Path) -> None:
    """Remove what a process that was killed after its download was whole has left, where that can be done."""
    if folder.exists() or lock_file(destination).exists():
        with contextlib.suppress(FlarescopeError), locked(destination):
            shutil.rmtree(folder, ignore_errors=True)


def _is_right(source: Source, path: Path) -> bool:
    if not path.is_file() or source.size not in (None, path.stat().st_size):
        return False
    algorithm, _, value = (source.digest or "").partition(":")
    return not algorithm or files.digest_of(path, algorithm) == value.lower()


def _retrieve(source: Source, folder: Path, download: "_Download") -> Path:
    """Download into `folder` and let pooch check the digest; a file that fails a check is removed."""
    import pooch

    (folder / "verified").unlink(missing_ok=True)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        return Path(pooch.retrieve(source.url, source.digest, fname="verified", path=folder, downloader=download))
    except (_WrongFileError, ValueError) as error:
        got = re.search(r"but got (\w+)", str(error))  # so pooch says that the digest differs
        if got is None and not isinstance(error, _WrongFileError):
            raise
        shutil.rmtree(folder)
        raise (error if got is None else _WrongFileError(source, f"digest {source.digest}", got[1])) from None
    finally:
        logger.setLevel(level)


class _WrongFileError(FlarescopeError):
    """What the server has is not the file that was asked for."""

    def __init__(self, source: Source, expected: str, got: str) -> None:
        super().__init__(
            f"{source.name} is not the expected file: expected {expected}, got {got}; it was removed. "
            "Try once more; the published one may have changed"
        )


class _TryAgainError(Exception):
    """This attempt failed in a way that another one may not."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


@dataclass
class _Download:
    """A downloader for pooch that continues what an earlier attempt, or an earlier process, has left.

    `data` holds the bytes so far, and `state.json` beside it the address, the server's validator (a strong ETag or
    the date of the last change) and the total size, so that bytes of two versions of a file are never joined.
    """

    source: Source
    destination: Path
    data: Path
    report: Callable[[int, int | None], None]
    timeout_s: float
    attempts: int
    backoff_s: float

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Bring the whole file to `output_file`, in as many attempts as it takes."""
        failures, best = 0, 0
        with _new_session() as session:
            while True:
                try:
                    self._attempt(session)
                    break
                except _TryAgainError as again:
                    have = self._kept()[0]
                    failures = 1 if have >= best + _REAL_PROGRESS_BYTES else failures + 1
                    best = max(best, have)
                    if failures >= self.attempts:
                        problem = f"cannot fetch {self.source.name} from {urlsplit(url).hostname}: {again}"
                        raise FlarescopeError(f"{problem}; run the same command again, it continues there") from None
                    growing = self.backoff_s * 2 ** (failures - 1) * random.uniform(0.5, 1.5)
                    time.sleep(min(growing if again.wait_s is None else again.wait_s, _LONGEST_WAIT_S))
        Path(output_file).unlink()
        try:
            Path(output_file).hardlink_to(self.data)
        except OSError:  # a file system without hard links; there Ctrl-C while the digest is checked costs the download
            self.data.replace(output_file)

    def _kept(self) -> tuple[int, dict[str, Any]]:
        """Give the bytes that can be continued and their state; (0, {}) to start anew."""
        try:
            state, have = files.read_json(self.data.with_name("state.json")), self.data.stat().st_size
        except (InputError, FileNotFoundError):
            return 0, {}
        validator = state.get("validator")
        if validator is not None and not (isinstance(validator, str) and validator.isprintable()):
            return 0, {}  # it becomes a header of the request
        # Without a validator only the digest can tell whether the joined halves belong together.
        can_be_checked = validator or self.source.digest
        return (have, state) if state.get("url") == self.source.url and can_be_checked else (0, {})

    def _attempt(self, session: "requests.Session") -> None:
        """Ask the server once, for what is missing if anything is, and append what comes."""
        import requests
        import urllib3

        have, state = self._kept()
        if state and have == state.get("total"):
            return
        conditions = {"Range": f"bytes={have}-", "If-Range": state.get("validator")} if have else {}
        headers = {name: value for name, value in conditions.items() if value}
        try:
            with session.get(self.source.url, headers=headers, stream=True, timeout=self.timeout_s) as response:
                if response.status_code == 416 and have:
                    self.data.unlink()
                    raise _TryAgainError("the server cannot continue from here")
                _check_status(response, self.source, self.destination)
                self._receive(response, have, state.get("total"))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            reason, passing = explain(error, self.timeout_s)
            if passing:
                raise _TryAgainError(reason) from None
            hint = f"check the address and the clock, or put the file at {self.destination} by hand"
            raise FlarescopeError(f"cannot fetch {self.source.url}: {reason}; {hint}") from None

    def _receive(self, response: "requests.Response", have: int, known_total: int | None) -> None:
        """Write the body of a 200 or 206, after the checks that need no body."""
        start, total = extent(response)
        if start not in (0, have) or (start and known_total not in (None, total)):
            self.data.unlink(missing_ok=True)
            raise _TryAgainError("the server continued another file or at another place")
        if self.source.size is not None and total not in (None, self.source.size):
            raise _WrongFileError(self.source, f"{self.source.size} bytes", f"{total} bytes")
        done, total = start, self.source.size if total is None else total
        state = {"url": self.source.url, "validator": validator(response), "total": total}
        with self.data.open("ab" if start else "wb") as stream:
            files.write_json(self.data.with_name("state.json"), state)
            files.check_space(self.destination, 0 if total is None else total - start)
            self.report(done, total)
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                stream.write(chunk)
                done += len(chunk)
                if total is not None and done > total:
                    raise _WrongFileError(self.source, f"{total} bytes", "more")
                self.report(done, total)
        if total is not None and done < total:
            raise _TryAgainError(f"the connection ended after {done} of {total} bytes")
        files.write_json(self.data.with_name("state.json"), state | {"total": done})


def _new_session() -> "requests.Session":
    """Give a session that does not follow a redirect from https to http."""
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> str | None:
            target = super().get_redirect_target(resp)
            if target and resp.url.startswith("https:") and urlsplit(urljoin(resp.url, target)).scheme == "http":
                raise FlarescopeError(f"{resp.url} redirects to {target}, which is not encrypted; not followed")
            return target

    session = Session()
    # Compressed on its way, a file could not be continued at a byte, nor its digest be checked.
    session.headers.update({"User-Agent": "flarescope", "Accept-Encoding": "identity"})
    return session


def _check_status(response: "requests.Response", source: Source, destination: Path) -> None:
    """Let 200 and 206 pass; raise what can be tried again as such, and the rest as final."""
    status = response.status_code
    if status in (200, 206):
        return
    if status in _PASSING_STATUSES or status >= 500:
        raise _TryAgainError(f"it answers {status} {response.reason}", _retry_after(response))
    meaning = {404: "no such file there", 410: "no longer there", 401: "access refused", 403: "access refused"}
    raise (AbsentError if status in (404, 410) else FlarescopeError)(
        f"cannot fetch {source.url}: {meaning.get(status, 'unexpected answer')} ({status}); "
        f"open the address in a browser, and put the file at {destination} by hand if it can be had there"
    )


def _retry_after(response: "requests.Response") -> float | None:
    """Read Retry-After, in seconds or as a date (RFC 9110, 10.2.3); None when it is absent or unreadable."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
