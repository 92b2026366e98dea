"""Small pictures of numbers as PNG files (RFC 2083), for arrays and what they add to an answer."""

import struct
import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.records.explanations import Picture

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# Orange adds, blue takes away, in light and in dark, and for colour-blind readers.
ADDS: Final = np.array([230.0, 97.0, 0.0])
TAKES: Final = np.array([46.0, 120.0, 255.0])
FAINT: Final = 0.03


def write_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Write an image of shape (height, width, 3).

    Example:
        >>> write_png(np.zeros((2, 2, 3), np.uint8))[1:4]
        b'PNG'
    """
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(map(_chunk, chunks))


def draw_array(picture: Picture) -> bytes:
    """Draw an array as it is, dark to light."""
    return write_png(_colours(picture).round().astype(np.uint8))


def draw_heat(picture: Picture, *, largest: float = 0.0) -> bytes:
    """Draw what each place adds over a dimmed array: orange adds, blue takes away.

    Args:
        picture: The array and its amounts.
        largest: The amount with full colour; that of this picture unless given.
    """
    heat = np.array(picture.heat).reshape(picture.shape[:2])
    strength = np.abs(heat) / (largest or float(np.abs(heat).max()) or 1.0)
    strength = np.where(strength < FAINT, 0.0, np.sqrt(np.clip(strength, 0, 1)))[:, :, None]
    grey = 60 + 0.5 * _colours(picture).mean(axis=2, keepdims=True)
    colour = np.where(heat[:, :, None] > 0, ADDS, TAKES)
    pixels = (1 - strength) * grey + strength * colour
    return write_png(pixels.round().astype(np.uint8))


def _colours(picture: Picture) -> npt.NDArray[Any]:
    values = np.array(picture.values).reshape(*picture.shape[:2], -1)
    return 255.0 * np.broadcast_to(values, (*picture.shape[:2], 3))


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, data = chunk
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
