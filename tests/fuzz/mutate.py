"""How does a file become a hostile one? Pure functions of bytes and a generator of random numbers."""

import json
import random
import re
import struct
import zlib
from collections.abc import Callable, Sequence

LENGTHS = (0, 1, 127, 128, 255, 32_767, 65_535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
NUMBERS = (
    *(b"0", b"-1", b"1e999", b"-1e999", b"NaN", b"Infinity", b"99999999999999999999", b"1" * 5000, b"0.1"),
    *(b"2147483648", b"-9223372036854775809", b"null", b"true", b'"7"', b"[]", b"{}", b"[[[]]]", b"1e308", b"10000"),
)
WORDS = (
    *(b"\x00", b"\xff\xfe", b"\n", b"\r\n\r\n", b"\x1b[2J", b"../../../../etc/passwd", b"/", b"%s%n", b"\xed\xa0\x80"),
    *(
        b"9999-12-31",
        b"0000-00-00",
        b"////",
        b"nan",
        b'"' * 9,
        b"'" * 3,
        b"," * 40,
        b"\\u0000",
        b"\\ud800",
        b"x" * 5000,
    ),
)
DEEP = (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 900 + b"]" * 900, b'{"a":' * 500 + b"1" + b"}" * 500, b"(" * 9000)
MOST_BYTES = 400_000
"""What a mutated file may grow to."""


def mutate(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change a file a little, or in one to five ways.

    Args:
        content: the file.
        rng: decides.
        others: files to splice in.
    """
    if rng.random() < 0.5:
        return rng.choice(GENTLE)(content, rng, others)[:MOST_BYTES]
    for _ in range(rng.choice((1, 1, 2, 3, 5))):
        content = rng.choice(WAYS)(content, rng, others)[:MOST_BYTES]
    return content


def _place(content: bytes, rng: random.Random) -> int:
    """Choose a place; half of them near the beginning or the end, where files say what they are."""
    where = rng.random()
    if where < 0.3:
        return rng.randrange(min(len(content), 512) + 1)
    if where < 0.5:
        return len(content) - rng.randrange(min(len(content), 512) + 1)
    return rng.randrange(len(content) + 1)


def _flip(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        place = min(_place(content, rng), len(content) - 1)
        if place >= 0:
            changed[place] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _byte(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.choice((bytes([rng.randrange(256)]), b"\x00", b"\xff")) + content[place + 1 :]


def _truncate(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    return content[: _place(content, rng)]


def _cut(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    first = _place(content, rng)
    return content[:first] + content[first + rng.choice((1, 4, 80, 512, rng.randrange(2000))) :]


def _repeat(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    first = _place(content, rng)
    part = content[first : first + rng.choice((1, 4, 80, 512, rng.randrange(2000)))]
    return content[:first] + part * rng.choice((2, 3, 100)) + content[first:]


def _splice(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others) if others else content
    return content[: _place(content, rng)] + other[_place(other, rng) :]


def _length(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Put a length that no file has, in one of the widths and orders of binary forms."""
    place, form = _place(content, rng), rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    value = struct.pack(form, rng.choice(LENGTHS) % (1 << 8 * struct.calcsize(form)))
    return content[:place] + value + content[place + len(value) :]


def _number(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    found = list(re.finditer(rb"[-+]?[0-9][0-9.eE+-]*", content[:200_000]))
    if not found:
        return _flip(content, rng, others)
    match = rng.choice(found)
    new = rng.choice(NUMBERS)
    if rng.random() < 0.5:  # forms of fixed width stay in step
        new = new[: match.end() - match.start()].ljust(match.end() - match.start())
    return content[: match.start()] + new + content[match.end() :]


def _word(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.choice(WORDS) + content[place + rng.choice((0, 1, 8)) :]


def _line(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Drop, double, join or exchange lines."""
    lines = content.split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(two, lines[one])
    elif way == 2:
        lines[one], lines[two] = lines[two], lines[one]
    else:
        fields = lines[one].split(b",")
        fields[rng.randrange(len(fields))] = rng.choice((*NUMBERS, *WORDS))
        lines[one] = b",".join(fields)
    return b"\n".join(lines)


def _deep(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.choice(DEEP) + content[place:]


def _value(content: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Change one value of each of some JSON objects found in the file, keeping it JSON of the same length if it can."""
    start = content.find(b"{")
    if start < 0:
        return _number(content, rng, others)
    try:
        value, length = json.JSONDecoder().raw_decode(content[start : start + 200_000].decode("latin-1"))
    except (ValueError, RecursionError):
        return _number(content, rng, others)
    new = json.dumps(change_json(value, rng)).encode()
    old = length
    return content[:start] + (new.ljust(old) if rng.random() < 0.8 else new) + content[start + old :]


def change_json(value: object, rng: random.Random) -> object:
    """Change one value somewhere inside a JSON value: another type, another size, missing, or deep."""
    containers = [value]
    for one in containers:
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        containers += [each for each in inner if isinstance(each, dict | list) and each]
    chosen = rng.choice(containers)
    if not isinstance(chosen, dict | list) or not chosen:
        return rng.choice(VALUES)
    key = rng.choice(list(chosen)) if isinstance(chosen, dict) else rng.randrange(len(chosen))
    way = rng.random()
    if way < 0.15:
        del chosen[key]
    elif way < 0.25 and isinstance(chosen, dict):
        chosen[rng.choice(("", "x" * 400, "__class__", "a\nb", *chosen))] = chosen[key]
    elif way < 0.3 and isinstance(chosen, list):
        chosen += [chosen[key]] * rng.choice((1, 1000))
    else:
        chosen[key] = rng.choice(VALUES)
    return value


VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 10**30, -(10**18), 0.5, 1e308, -0.0, float("nan"), float("inf")),
    *("", "x", "x" * 5000, "a\nb\x1b[0m", "\ud800", "../../x", "/etc/passwd", "2012-01-01", "1e400", "nan"),
    *([], [None], [[]], [1, 2], ["x"], {}, {"a": None}, {"": {}}, [{}], json.loads("[" * 300 + "]" * 300)),
)


def fix_png(content: bytes) -> bytes:
    """Write the right checksum behind every chunk of a PNG, so that the change gets past it."""
    parts, place = [content[:8]], 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        body = content[place + 4 : place + 8 + length]
        parts.append(content[place : place + 4] + body + zlib.crc32(body).to_bytes(4, "big"))
        place += 12 + length
    return b"".join(parts)


def fix_tar(content: bytes) -> bytes:
    """Write the right checksum into every block of a plain tar that looks like a header."""
    changed = bytearray(content)
    for start in range(0, len(content) - 511, 512):
        if content[start + 257 : start + 262] == b"ustar":
            header = changed[start : start + 512]
            header[148:156] = b" " * 8
            changed[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    return bytes(changed)


Way = Callable[[bytes, random.Random, Sequence[bytes]], bytes]
GENTLE: tuple[Way, ...] = (_flip, _flip, _byte, _length, _number, _value, _value)
"""After which much of the file is still what it was, so that a reader gets far."""
WAYS: tuple[Way, ...] = (
    *(_flip, _flip, _byte, _truncate, _cut, _repeat, _splice, _length, _length),
    *(_number, _number, _word, _line, _deep, _value, _value),
)
