"""A JSOC that misbehaves as a test asks it to: a client with the interface of `drms.Client`, files served here."""

import functools
import io

import numpy as np
import pandas as pd
from astropy.io import fits

from http_server import Page


@functools.cache
def cutout(side=600, seed=0):
    """A small FITS file of the form that JSOC exports: an empty first HDU, then a compressed image."""
    field = np.zeros((side, side), np.float32) + seed
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(field, compression_type="RICE_1")]).writeto(stream)
    return stream.getvalue()


class Request:
    """An export: so many questions until it is ready, then a status."""

    def __init__(self, client, number, urls, polls=1, status=0):
        self.client, self.id, self.polls, self.final = client, number, polls, status
        self.status = 2
        self.table = pd.DataFrame({"record": urls, "filename": [url.rsplit("/", 1)[-1] for url in urls], "url": urls})

    def has_finished(self, *, skip_update=False):
        if self.client.poll_errors:
            raise self.client.poll_errors.pop(0)
        self.polls -= 1
        if self.polls <= 0:
            self.status = self.final
        return self.status not in (1, 2, 6)

    def has_succeeded(self, *, skip_update=False):
        return self.status == 0

    @property
    def urls(self):
        return self.table


class Client:
    """Takes exports; `errors` and `poll_errors` are raised one a call before anything works."""

    def __init__(self, server, files=2, polls=2):
        self.server, self.files, self.polls = server, files, polls
        self.errors, self.poll_errors, self.statuses = [], [], []
        self.ordered, self.requests, self.most_at_once = [], {}, 0
        self.body = cutout()

    def export(self, ds, *, method, protocol, filenamefmt, process):
        if self.errors:
            raise self.errors.pop(0)
        number = f"JSOC_20260101_{len(self.ordered):03d}"
        self.ordered.append((ds, method, protocol, filenamefmt, process))
        urls = []
        for file in range(self.files):
            name = f"hmi.M_720s.20101110_{len(self.ordered):02d}{file:02d}00_TAI.1.magnetogram.fits"
            urls.append(self.server.put(f"/SUM1/{number}/{name}", Page(self.body)))
        status = self.statuses.pop(0) if self.statuses else 0
        self.requests[number] = Request(self, number, urls, self.polls, status)
        running = sum(request.status == 2 for request in self.requests.values())
        self.most_at_once = max(self.most_at_once, running)
        return self.requests[number]

    def export_from_id(self, requestid):
        if self.errors:
            raise self.errors.pop(0)
        return self.requests[requestid]
