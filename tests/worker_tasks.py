"""Functions for worker processes to run; few imports, so that a worker starts quickly."""

import json
import os
import time

from flarescope.errors import FlarescopeError


def fail_oddly(name):
    raise RuntimeError("a bug, not a damaged file")


def find_the_disk_full(name):
    raise FlarescopeError("disk full")


def die(name):
    os._exit(9)


def shout(name):
    print("noise of a library")
    os.write(1, b"noise of a C library\n")
    return json.dumps(name)


def sleep(name, seconds):
    time.sleep(seconds)
