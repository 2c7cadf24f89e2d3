"""Load regopy where libatomic is not installed, as in slim container images and on minimal machines.

regopy's shared library lists libatomic.so.1 among what it needs, but takes no symbol from it. Where the loader does not
find that file, it is given an empty library of the same name and asked again. A build of regopy that does use a symbol
fails to load even so: symbols are resolved when loading, so nothing can go wrong later.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import platform
import struct

NAME = "libatomic.so.1"

_MACHINES = {"x86_64": 62, "aarch64": 183}
_PAGE = 0x10000  # the largest that these machines use
_HEADERS = 64 + 3 * 56  # the file's header and those of its three parts
_NEW = "=QQ"  # an entry of the dynamic section: a tag and its value
_HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME = 4, 5, 6, 10, 11, 14
_LOAD, _DYNAMIC, _STACK = 1, 2, 0x6474E551
_READ, _WRITE = 4, 2


def load_regopy() -> None:
    """Import regopy; raises ImportError or OSError when it cannot be had on this machine."""
    try:
        importlib.import_module("regopy")
    except OSError as error:
        if NAME not in str(error) or platform.machine() not in _MACHINES:
            raise
        stand_in(NAME)
        importlib.import_module("regopy")


def stand_in(name: str) -> None:
    """Make the loader hold an empty library of this name; it has no file that could be left behind."""
    handle = os.memfd_create(name)
    try:
        os.write(handle, empty_library(name, platform.machine()))
        ctypes.CDLL(f"/proc/self/fd/{handle}")  # never unloaded
    finally:
        os.close(handle)


def empty_library(name: str, machine: str) -> bytes:
    """Return a shared library (ELF, 64 bits, little-endian) that has this name and not one symbol."""
    names = b"\0" + name.encode() + b"\0"
    names += b"\0" * (-len(names) % 8)
    symbols = bytes(24)  # the first is always the null symbol
    buckets = struct.pack("=IIII", 1, 1, 0, 0)  # one bucket, for the null symbol
    at_symbols = _HEADERS + len(names)
    at_buckets = at_symbols + len(symbols)
    at_dynamic = at_buckets + len(buckets)
    dynamic = b"".join(
        struct.pack(_NEW, tag, value)
        for tag, value in (
            (_SONAME, 1),
            (_HASH, at_buckets),
            (_STRTAB, _HEADERS),
            (_SYMTAB, at_symbols),
            (_STRSZ, len(names)),
            (_SYMENT, len(symbols)),
            (0, 0),
        )
    )
    size = at_dynamic + len(dynamic)
    parts = (
        _part(_LOAD, 0, size, _PAGE)
        + _part(_DYNAMIC, at_dynamic, len(dynamic), 8)
        + _part(_STACK, 0, 0, 16)  # without it, the loader would make the process's stack executable
    )
    return _header(machine) + parts + names + symbols + buckets + dynamic


def _header(machine: str) -> bytes:
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    shared, version, sizes = 3, 1, (64, 56, 3, 64, 0, 0)
    return ident + struct.pack("=HHIQQQI6H", shared, _MACHINES[machine], version, 0, 64, 0, 0, *sizes)


def _part(kind: int, start: int, size: int, alignment: int) -> bytes:
    return struct.pack("=IIQQQQQQ", kind, _READ | _WRITE, start, start, start, size, size, alignment)
