"""Does the suite end wherever it is started, and when a test hangs?"""

import os
import subprocess
import sys
from pathlib import Path

from fakes import child_environment
from waiting import LIMIT_S

ROOT = Path(__file__).parents[1]
CTRL_C = {"test_reading.py": "consumer_waits", "test_cli.py": "resumable"}


def pytest_in_a_shell(command, *arguments):
    """Run pytest with the suite's own settings from a shell that runs `command` first."""
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", *arguments]
    return subprocess.run(
        ["sh", "-c", f'{command}; exec "$@"', "sh", *map(str, line)],
        env={name: value for name, value in child_environment().items() if not name.startswith("PYTEST_")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * LIMIT_S,
    )


def test_a_guard_stands_over_every_test(pytestconfig):
    assert float(pytestconfig.getini("timeout")) > LIMIT_S
    assert float(pytestconfig.getini("faulthandler_timeout")) > float(pytestconfig.getini("timeout"))
    assert pytestconfig.getini("faulthandler_exit_on_timeout") is True


def test_a_test_that_hangs_ends_with_its_stack_and_the_next_one_runs(tmp_path):
    file = tmp_path / "test_hanging.py"
    file.write_text(
        "import threading\n\n\ndef waits_for_ever():\n    threading.Event().wait()\n\n\n"
        "def test_hangs():\n    waits_for_ever()\n\n\ndef test_next():\n    pass\n"
    )
    done = pytest_in_a_shell("true", "--timeout", "1", f"--rootdir={tmp_path}", file)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "threading.Event().wait()" in done.stdout


def test_tests_of_ctrl_c_pass_where_a_shell_started_them_in_the_background():
    files = [ROOT / "tests" / name for name in CTRL_C]
    done = pytest_in_a_shell("trap '' INT", "--timeout", "300", "-k", " or ".join(CTRL_C.values()), *files)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == os.EX_OK
