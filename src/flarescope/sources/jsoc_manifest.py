"""How far is each order at JSOC? A file beside the images says so, whatever ends the run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flarescope.errors import InputError
from flarescope.files import make_folder, read_json, write_json
from flarescope.sources.jsoc_orders import Order

_VERSION: Final = 1
_LARGEST: Final = 256 << 20  # bytes: the names of a million files take 80 MB
STATES: Final = ("planned", "placed", "done", "failed")


@dataclass
class Manifest:
    """The orders of a folder and their states; every change is written at once. No e-mail address goes in."""

    path: Path
    orders: dict[str, Order]
    entries: dict[str, dict[str, Any]]

    @classmethod
    def open(cls, path: Path) -> "Manifest":
        """Read a manifest, or begin one.

        Raises:
            InputError: it is damaged, or of another version.
        """
        make_folder(path.parent)
        if not path.is_file():
            return cls(path, {}, {})
        content = read_json(path, most_bytes=_LARGEST)
        if content.get("version") != _VERSION or not isinstance(content.get("orders"), list):
            raise InputError(f"{path}: not a manifest of version {_VERSION}; move it away to order everything again")
        orders, entries = {}, {}
        try:
            for entry in content["orders"]:
                order = Order(int(entry["noaa_ar"]), str(entry["record_set"]), dict(entry["im_patch"]))
                files = [str(name) for name in entry["files"]]
                if entry["state"] not in STATES:
                    raise ValueError(entry["state"])
                orders[order.key] = order
                entries[order.key] = {"state": entry["state"], "id": entry["id"], "files": files}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: damaged ({error!r}); move it away to order everything again") from error
        return cls(path, orders, entries)

    def add(self, order: Order) -> str:
        """Take an order in, unless it is known with the same patch; give its key."""
        known = self.orders.get(order.key)
        if known is None or known.patch != order.patch:
            self.orders[order.key] = order
            self._change(order.key, state="planned", id=None, files=[])
        return order.key

    def place(self, key: str, request_id: str | None) -> None:
        """Note that JSOC has taken the order."""
        self._change(key, state="placed", id=request_id)

    def finish(self, key: str, files: list[str]) -> None:
        """Note that every file of the order is here."""
        self._change(key, state="done", files=files)

    def fail(self, key: str, reason: str) -> None:
        """Note that the order must be placed again."""
        self._change(key, state="failed", id=None, reason=reason)

    def state(self, key: str) -> str:
        """Give one of `STATES`."""
        return str(self.entries[key]["state"])

    def request_id(self, key: str) -> str | None:
        """Give JSOC's number of an order that it has taken and that is not fetched yet."""
        entry = self.entries[key]
        return entry["id"] if entry["state"] == "placed" else None

    def files(self, key: str) -> list[str]:
        """Give the names of the files that an order brought, relative to the folder."""
        return list(self.entries[key]["files"])

    def _change(self, key: str, **changes: object) -> None:
        entry = {name: value for name, value in self.entries.get(key, {}).items() if name != "reason"}
        self.entries[key] = entry | changes
        rows = [
            {"noaa_ar": order.noaa_ar, "record_set": order.record_set, "im_patch": order.patch, **self.entries[name]}
            for name, order in self.orders.items()
            if name in self.entries
        ]
        write_json(self.path, {"version": _VERSION, "orders": rows})
