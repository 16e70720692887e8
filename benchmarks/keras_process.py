"""How do our processes ask Keras on TensorFlow for its time? Through a process that starts once and waits its turn."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path


class KerasProcess:
    """The alternative, started and warmed up; it computes only while it is asked."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("keras_side.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, call: str, **arguments: str | int) -> float:
        """Run one job there and give the seconds that it took."""
        assert self._process.stdin
        assert self._process.stdout
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise SystemExit("Keras on TensorFlow ended; is the extra there? pip install -e '.[bench]'")
        return float(json.loads(line)["seconds"])

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()
