"""What is served, to whom, and within which limits?"""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flarescope.brief import brief
from flarescope.errors import InputError
from flarescope.events import FluxScale
from flarescope.sources.addresses import ADDRESSES, Addresses

PORT: Final = 8470
LOOPBACK: Final = "127.0.0.1"
VERIFICATION: Final = "verification.json"
FLARES: Final = "flares.json"
"""What the background writes of the scores (`scores`, or `why` there are none), and of the regions' flares."""
NO_ARCHIVE: Final = "this server shows no archive, and only forecasts that one keeps are verified"
NO_FLARES: Final = "whoever runs this server gave it no flare list, so nothing is verified"
MADE: Final = "forecasts"
"""Folder of an archive in which `serve` looks for what `flarescope forecast --out` wrote, a folder a forecast."""


@dataclass(frozen=True)
class Limits:
    """What one client, and all of them, may ask for.

    Attributes:
        upload_bytes: of one request's body.
        images: of one upload.
        body_s: seconds in which a body has to be here.
        gap_s: seconds between two pieces of it.
        header_s: seconds in which the head of a request has to be here.
        buffered_bytes: of all bodies that are being received or wait for the network together.
        queued: images that wait for the network, of all clients.
        decoders: processes that decode uploads.
        window_s: seconds in which uploads are gathered that go through the network together.
        rate: requests a second of one client, lasting.
        burst: requests of one client at once.
        uploads_rate: images a second of one client, lasting.
        uploads_burst: images of one client at once.
        connections: of all clients.
    """

    upload_bytes: int = 64 << 20
    images: int = 16
    body_s: float = 60.0
    gap_s: float = 10.0
    header_s: float = 10.0
    buffered_bytes: int = 256 << 20
    queued: int = 64
    decoders: int = 2
    window_s: float = 0.005
    rate: float = 400.0
    burst: float = 1200.0
    uploads_rate: float = 5.0
    uploads_burst: float = 64.0
    connections: int = 4000


@dataclass(frozen=True)
class Settings:
    """What a server serves.

    Attributes:
        archive: folder of issued forecasts, as `flarescope forecast --archive` keeps them; None has none.
        made: folders that `flarescope forecast --out` wrote, or folders of such folders.
        regions: region summaries of which, with `flares`, a forecast is made at the start; none makes none.
        disk: a FITS file of the whole disk for that forecast.
        runs: models of images for uploads: runs and model files; the first is the usual one.
        flares: flare lists, for what came.
        swpc: a file in the form of SWPC's `solar_probabilities.json`, to compare with.
        flux_scale: of flare lists that do not say theirs.
        watch: whether new inputs are fetched and forecast.
        every_minutes: between two rounds of `watch`.
        image: whether HMI's newest disk is fetched too.
        host: address that is listened on.
        port: its port; 0 takes a free one.
        hosts: names under which the server may be asked besides loopback's.
        token: without it a server that is not on loopback answers nothing; None asks for none.
        addresses: of the services that `watch` asks.
        backoff_s: first wait before another attempt there.
        behind_proxy: whether who asks is told by the last proxy, in X-Forwarded-For.
        limits: see `Limits`.
    """

    archive: Path | None = None
    made: tuple[Path, ...] = ()
    regions: tuple[Path, ...] = ()
    disk: Path | None = None
    runs: tuple[Path, ...] = ()
    flares: tuple[Path, ...] = ()
    swpc: Path | None = None
    flux_scale: FluxScale | None = None
    watch: bool = False
    every_minutes: float = 60.0
    image: bool = True
    host: str = LOOPBACK
    port: int = PORT
    hosts: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)
    addresses: Addresses = ADDRESSES
    backoff_s: float = 1.0
    behind_proxy: bool = False
    limits: Limits = Limits()

    __repr__ = brief

    def __post_init__(self) -> None:
        if self.archive is None and not (self.made or self.regions or self.runs):
            raise InputError("nothing to serve; give --archive, --forecast, --regions, or a run for uploads")
        if self.disk is not None and not self.regions:
            raise InputError("--image belongs to a forecast that is made at the start; give its --regions too")
        if self.watch and self.archive is None:
            raise InputError("--watch keeps what it issues; give the folder of its --archive")
        if not 1 <= self.every_minutes <= 1440:
            raise InputError(f"--every {self.every_minutes:g}: expected 1 to 1440 minutes")
        if not 0 <= self.port <= 65535:
            raise InputError(f"--port {self.port}: expected 0 (any free one) to 65535")
        if not is_loopback(self.host) and not self.token:
            raise InputError(
                f"--host {self.host} can be reached by others, who need a token; give --token-file, or set "
                "FLARESCOPE_TOKEN"
            )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone; a name other than `localhost` is not known to be."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
