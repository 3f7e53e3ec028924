"""Pictures made from a story's name: always the same bytes for the same name."""

from __future__ import annotations

import hashlib
import struct
import zlib

WIDTH, HEIGHT = 64, 40

LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">\
<path d="M11 6h10l3 16H8z" fill="#c9b27c"/><circle cx="16" cy="14" r="4" fill="#fff3c4"/>\
<path d="M7 22h18v4H7zM14 2h4v4h-4z" fill="#3b3226"/></svg>
"""


def picture(name: str) -> bytes:
    """A small PNG: a sky, a sun and a sea in colours that follow from the name."""
    seed = hashlib.sha256(name.encode()).digest()
    sky, sea, sun = seed[0:3], seed[3:6], bytes((255, 240, 180))
    horizon, across, height = 18 + seed[6] % 10, 8 + seed[7] % 48, 6 + seed[8] % 10
    rows = bytearray()
    for y in range(HEIGHT):
        rows.append(0)
        for x in range(WIDTH):
            lit = (x - across) ** 2 + (y - height) ** 2 < 20
            rows += sea if y > horizon else sun if lit else sky
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
