"""How many requests were answered how, and how fast, in the text that Prometheus reads?"""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Final

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Line = tuple[str, str, str, float]
"""Name, kind, help, value."""


class Metrics:
    """Counts; any thread may add."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self._counts: Counter[str] = Counter()

    def answered(self, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        with self._lock:
            self._requests[method if method in ("GET", "HEAD", "POST") else "other", status] += 1
            self._seconds += seconds
            self._buckets[next((bound for bound in BOUNDS_S if seconds <= bound), float("inf"))] += 1

    def add(self, name: str, count: int = 1) -> None:
        """Count something else, by the name of its metric."""
        with self._lock:
            self._counts[name] += count

    def text(self, gauges: Iterable[Line] = ()) -> str:
        """Give all of it.

        Args:
            gauges: what is true now.
        """
        with self._lock:
            lines = ["# HELP flarescope_requests_total Requests answered.", "# TYPE flarescope_requests_total counter"]
            for (method, status), count in sorted(self._requests.items()):
                lines.append(f'flarescope_requests_total{{method="{method}",status="{status}"}} {count}')
            lines += ["# HELP flarescope_request_seconds Time to the whole answer.", *self._histogram()]
            for name, count in sorted(self._counts.items()):
                lines += [f"# TYPE flarescope_{name}_total counter", f"flarescope_{name}_total {count}"]
        for name, kind, said, value in gauges:
            lines += [f"# HELP flarescope_{name} {said}", f"# TYPE flarescope_{name} {kind}"]
            lines.append(f"flarescope_{name} {value:g}")
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        lines, total = ["# TYPE flarescope_request_seconds histogram"], 0
        for bound in (*BOUNDS_S, float("inf")):
            total += self._buckets[bound]
            name = "+Inf" if bound == float("inf") else f"{bound:g}"
            lines.append(f'flarescope_request_seconds_bucket{{le="{name}"}} {total}')
        return [
            *lines,
            f"flarescope_request_seconds_sum {self._seconds:.6f}",
            f"flarescope_request_seconds_count {total}",
        ]
