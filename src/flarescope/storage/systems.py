"""Which file system does an address such as `s3://bucket/folder` mean, and what does its failure mean to a user?

All go through fsspec. S3 and Google's storage are those of pyarrow, which is there anyway; what fsspec knows itself
(`file://`, `memory://`) and what it knows by other packages is fsspec's.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from flarescope.errors import FlarescopeError, InputError

CONNECT_S: Final = 10.0
REQUEST_S: Final = 60.0
ATTEMPTS: Final = 4

BUCKETS: Final = ("s3", "gs", "gcs")
"""Schemes of pyarrow's own file systems."""

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_DENIED: Final = re.compile(
    r"ACCESS_DENIED|AccessDenied|InvalidAccessKey|INVALID_ACCESS_KEY|Forbidden|credential|\b403\b"
)
_ABSENT: Final = re.compile(r"NO_?SUCH_?BUCKET|bucket .*not found|does not exist|\b404\b", re.IGNORECASE)


def is_url(text: object) -> TypeGuard[str]:
    """Tell whether a text is an address with a scheme, and no path of this machine."""
    return isinstance(text, str) and _URL.match(text) is not None


@lru_cache(maxsize=16)
def file_system(url: str) -> tuple[Any, str]:
    """Give the file system that an address means, and the path in it.

    Environment variables for S3: credentials and region as AWS's own tools take them; `AWS_ENDPOINT_URL_S3` or
    `AWS_ENDPOINT_URL` names a storage that is not Amazon's, `AWS_NO_SIGN_REQUEST=YES` reads what is public.

    Returns:
        An fsspec file system, and the path without a slash at its end.

    Raises:
        InputError: a scheme that is unknown or wants a package, no such bucket, or an address that names no place.
        FlarescopeError: a storage that does not answer.
    """
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    # Not by urlsplit: a key may hold what ends the path of a web address, as # and ?.
    where = rest.removeprefix("//")
    if not where.strip("/") or (scheme in BUCKETS and where.startswith("/")):
        what = "bucket; expected {}://BUCKET/FOLDER" if scheme in BUCKETS else "folder; expected {}://FOLDER"
        raise InputError(f"{scheme}:{rest or '//'}: names no {what.format(scheme)}")
    with storage_errors(url):
        if scheme in BUCKETS:
            from fsspec.implementations.arrow import ArrowFSWrapper

            return ArrowFSWrapper(_s3(where.partition("/")[0]) if scheme == "s3" else _google()), where.rstrip("/")
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(f"{scheme}:{rest}")
        except (ImportError, ValueError) as error:
            raise InputError(f"{url}: cannot be read: {error}; s3://, gs:// and file:// need nothing more") from error
    return system, str(path).rstrip("/")


def _s3(bucket: str) -> Any:  # noqa: ANN401 - pyarrow is untyped
    from pyarrow import fs

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        parts = urlsplit(endpoint)
        where = {"endpoint_override": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme}
    else:
        where = {}
    return fs.S3FileSystem(
        region=region or ("us-east-1" if endpoint else fs.resolve_s3_region(bucket)),
        anonymous=os.environ.get("AWS_NO_SIGN_REQUEST", "").upper() in ("YES", "TRUE", "1"),
        connect_timeout=CONNECT_S,
        request_timeout=REQUEST_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        **where,
    )


def _google() -> Any:  # noqa: ANN401
    from pyarrow import fs

    return fs.GcsFileSystem(anonymous=not os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"))


@contextlib.contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """Turn what a storage says about an address, in a `with` block, into one line that says what to do.

    Raises:
        InputError: nothing there, or not allowed.
        FlarescopeError: the storage does not answer, or breaks off.
    """
    try:
        yield
    except (FlarescopeError, KeyboardInterrupt):
        raise
    except FileNotFoundError as error:
        raise InputError(f"{url}: no such file or bucket; check the address, and the file names of a table") from error
    except Exception as error:  # of pyarrow, and of whatever package fsspec found for the scheme
        said = " ".join(str(error).split()) or type(error).__name__
        if _ABSENT.search(said):
            raise InputError(
                f"{url}: no such file or bucket; check the address, and the file names of a table"
            ) from error
        if isinstance(error, PermissionError) or _DENIED.search(said):
            raise InputError(
                f"{url}: the storage does not let this user read it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
                "(or AWS_PROFILE), for public data AWS_NO_SIGN_REQUEST=YES"
            ) from error
        raise FlarescopeError(f"{url}: the storage cannot be read: {said}; run the same command again") from error
