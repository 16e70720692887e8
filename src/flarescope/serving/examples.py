"""What do the answers look like, for the API's own description (OpenAPI)?"""

from typing import Any, Final

from flarescope.serving.settings import NO_FLARES

Responses = dict[int | str, dict[str, Any]]

_ROWS_CSV: Final = (
    "issued,noaa_ar,event,window_h,latency_h,probability,model\n"
    "2014-10-24T00:30:00Z,12192,M1.0,24.0,0.0,0.8417,regions\n"
)
_FORECAST: Final = {
    "form": "flarescope served forecast 1",
    "id": "5d7e0c1b2a394857",
    "notice": "Research software: this is no official forecast.",
    "issued": "2014-10-24T00:30:00+00:00",
    "stored": "2014-10-24T00:41:07+00:00",
    "valid": {"from": "2014-10-24T00:30:00+00:00", "to": "2014-10-27T00:30:00+00:00"},
    "model": {"name": "regions", "sha256": "0" * 64},
    "flux_scale": "operational",
    "events": [{"code": "M1.0/24", "event": "M1.0", "window_h": 24.0, "latency_h": 0.0}],
    "disk": {"shown": {"M1.0/24": 0.86}, "probabilities": {"regions": {"M1.0/24": 0.86}}},
    "regions": [
        {
            "noaa_ar": 12192,
            "location": "S13W06",
            "mcintosh": "Fkc",
            "hale": "Beta-Gamma-Delta",
            "flags": [],
            "place": {"x": 0.1, "y": -0.3, "lon_deg": 6.0, "lat_deg": -13.0, "state": "visible"},
            "shown": {"M1.0/24": 0.84},
            "probabilities": {"regions": {"M1.0/24": 0.84}},
        }
    ],
    "notes": [],
    "warnings": [],
}
_SUMMARY: Final = {
    "id": "5d7e0c1b2a394857",
    "issued": "2014-10-24T00:30:00+00:00",
    "stored": "2014-10-24T00:41:07+00:00",
    "day": "2014-10-24",
    "model": "regions",
    "regions": [12192],
    "disk": {"M1.0/24": 0.86},
    "url": "/api/v1/forecasts/5d7e0c1b2a394857",
}
_UPLOADED: Final = {
    "notice": "Research software: this is no official forecast.",
    "model": "png",
    "event": "C1.0/24",
    "warnings": [],
    "notes": [],
    "forecasts": [
        {
            "filename": "1121_hmi.M_720s.20101110_053600_TAI.1.magnetogram_224.png",
            "noaa_ar": 11121,
            "time": "2010-11-10T05:35:26.000",
            "probability": 0.7312,
            "flags": "",
            "flare": True,
            "event": "C1.0/24",
        },
        {"filename": "holiday.png", "probability": None, "reason": "holiday.png: a colour picture; ..."},
    ],
}


def _ok(example: Any, said: str, **others: Any) -> Responses:  # noqa: ANN401 - plain values
    content: dict[str, Any] = {"application/json": {"example": example}}
    content |= {name.replace("__", "/"): {"example": other} for name, other in others.items()}
    return {200: {"description": said, "content": content}, 304: {"description": "The client has it (If-None-Match)."}}


def _problem(status: int, title: str, detail: str) -> dict[str, Any]:
    example = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return {"description": title, "content": {"application/problem+json": {"example": example}}}


PROBLEMS: Final[Responses] = {
    401: _problem(401, "Unauthorized", "a token is needed"),
    404: _problem(404, "Not Found", "no forecast of that id; /api/v1/forecasts lists them"),
    422: _problem(422, "Unprocessable Content", "limit: Input should be less than or equal to 500"),
    429: _problem(429, "Too Many Requests", "more requests than one client has; ask again in 1 s"),
}
_LIST: Final = {"total": 1, "offset": 0, "next": None, "items": [_SUMMARY]}
_LIFE: Final = {
    "noaa_ar": 12192,
    "first": "2014-10-18T00:30:00+00:00",
    "last": "2014-10-24T00:30:00+00:00",
    "forecasts": [],
    "flares": [{"time": "2014-10-22T14:28:00+00:00", "flare": "X1.6"}],
    "changes": {
        "since": "2014-10-23T00:30:00+00:00",
        "what": [{"name": "area_msh", "before": 2700, "now": 2750}],
    },
}
_MODEL: Final = {
    "name": "regions",
    "of": "regions",
    "sha256": "0" * 64,
    "learned": {"from": "1996-08-09T00:30", "to": "2015-12-28T00:30"},
    "warnings": [],
    "card": "/api/v1/models/regions/card",
}
_SPAN: Final = {"noaa_ar": 12192, "first": "2014-10-18T00:30:00+00:00", "last": "2014-10-24T00:30:00+00:00"}
FORECAST: Final = _ok(_FORECAST, "A forecast.", text__csv=_ROWS_CSV)
LIST: Final = _ok(_LIST, "A page of a list.", text__csv=_ROWS_CSV)
REGIONS: Final = _ok({"items": [_SPAN]}, "Regions.")
REGION: Final = _ok(_LIFE, "A region's life.", text__csv=_ROWS_CSV)
VERIFICATION: Final = _ok({"scores": None, "why": NO_FLARES}, "Scores.")
MODELS: Final = _ok({"items": [_MODEL]}, "Models.")
HEALTH: Final = _ok({"status": "ok", "version": "0.2.0"}, "Well.")
CARD: Final[Responses] = {200: {"description": "A card.", "content": {"text/markdown": {"example": "# Region model"}}}}
METRICS: Final[Responses] = {
    200: {"description": "Metrics.", "content": {"text/plain": {"example": "flarescope_forecasts 365\n"}}}
}
UPLOAD: Final[Responses] = {
    200: {
        "description": "Forecasts, and what could not be read.",
        "content": {"application/json": {"example": _UPLOADED}},
    },
    413: _problem(413, "Content Too Large", "more than 67,108,864 bytes"),
    503: _problem(503, "Service Unavailable", "the queue is full; ask again in 2 s"),
}
_FILE: Final = {"type": "string", "format": "binary"}
UPLOAD_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"images": {"type": "array", "items": _FILE}}}
            },
            **{name: {"schema": _FILE} for name in ("application/fits", "image/png", "image/jpeg")},
        },
    }
}
_ONE_FILE: Final = {"type": "object", "properties": {"images": _FILE}}
MAP: Final[Responses] = {
    200: {
        "description": "A picture: the image, and over it where it speaks for the event and where against it.",
        "content": {
            "image/png": {"example": "(a PNG)"},
            "application/json": {"example": {"filename": "a.fits", "method": "hires-cam", "events": {}}},
        },
    },
    503: _problem(503, "Service Unavailable", "other maps are being drawn; ask again in 30 s"),
}
MAP_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": _ONE_FILE}, "application/fits": {"schema": _FILE}},
    }
}
