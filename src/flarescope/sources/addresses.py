"""Where on the network is everything that flarescope can fetch? Every address stands here, and nowhere else.

None of the services could be reached where this was written. Forms and fields are those of the documentation named
beside each; `docs/data-sources.md` says what nobody has tried yet.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote


@dataclass(frozen=True)
class Addresses:
    """The services' own addresses; tests put a server on this computer in their place.

    Attributes:
        dryad: API v2, documented at https://datadryad.org/api and in datadryad/dryad-app, `documentation/apis`.
        zenodo: records API, documented at https://developers.zenodo.org.
        ncei: NOAA's archive of what SWPC published each day; region summaries as in sunpy's `SRSClient`.
        swpc: what NOAA's forecasters have now, as text and JSON; what lies where was read in programs that use it.
        jsoc_fits: HMI's whole disks near real time; likewise.
        jsoc_registration: where an e-mail address is registered for exports; the export itself goes through `drms`.
    """

    dryad: str = "https://datadryad.org"
    zenodo: str = "https://zenodo.org"
    ncei: str = "https://www.ngdc.noaa.gov/stp/space-weather/swpc-products/daily_reports"
    swpc: str = "https://services.swpc.noaa.gov"
    jsoc_fits: str = "http://jsoc.stanford.edu/data/hmi/fits"
    jsoc_registration: str = "http://jsoc.stanford.edu/ajax/register_email.html"

    def dryad_versions(self, doi: str) -> str:
        """List the versions of a Dryad data set; the DOI is encoded whole, its slash too."""
        return f"{self.dryad}/api/v2/datasets/{quote('doi:' + doi, safe='')}/versions?per_page=100"

    def dryad_link(self, href: str) -> str:
        """Complete a link of Dryad's answers, which begins with a slash."""
        return f"{self.dryad}{href}" if href.startswith("/") else href

    def zenodo_record(self, record: str) -> str:
        """Describe a Zenodo record."""
        return f"{self.zenodo}/api/records/{record}"

    def zenodo_file(self, record: str, name: str) -> str:
        """Give the content of a file of a Zenodo record."""
        return f"{self.zenodo}/api/records/{record}/files/{quote(name)}/content"

    def noaa_daily(self, folder: str, day: str, ending: str) -> str:
        """Give a daily product of NOAA's archive, such as `solar_region_summaries/2012/03/20120306SRS.txt`.

        Args:
            folder: `solar_region_summaries` or `solar_event_reports`.
            day: eight digits.
            ending: `SRS.txt` or `events.txt`.
        """
        return f"{self.ncei}/{folder}/{day[:4]}/{day[4:6]}/{day}{ending}"

    def swpc_now(self, path: str) -> str:
        """Give one of SWPC's current files, such as `text/srs.txt`."""
        return f"{self.swpc}/{path}"

    def jsoc_newest(self) -> str:
        """Give the text that names HMI's newest whole disk."""
        return f"{self.jsoc_fits}/latest_fits_time"

    def jsoc_disk(self, name: str, day: str) -> str:
        """Give a whole disk, such as `2026/09/06/hmi.M_720s_nrt.20260906_170000_TAI.fits`.

        Args:
            name: of the file.
            day: eight digits.
        """
        return f"{self.jsoc_fits}/{day[:4]}/{day[4:6]}/{day[6:8]}/{quote(name)}"


ADDRESSES: Final = Addresses()

DRYAD_PNG: Final = "10.5061/dryad.jq2bvq898"
"""Reduced resolution: tables and lists of the 224x224 PNG set (Boucheron et al. 2023)."""

DRYAD_FITS: Final = "10.5061/dryad.dv41ns23n"
"""Full resolution: 600x600 FITS."""

DRYAD_EXTRA: Final = "10.5061/dryad.qjq2bvqmj"
"""The images left out of both sets."""

ZENODO_PNG: Final = "7775776"
"""The tarball of the PNG set, about 13 GB."""
