"""How like two screenshots are: structural similarity and mean absolute difference, on pictures of a quarter's side."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from playwright.sync_api import Page

SHRUNK = 4
WINDOW = 8
_GREYS = """async ([source, shrunk]) => {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const [width, height] = [picture.width, picture.height].map((side) => Math.floor(side / shrunk));
  const drawn = new OffscreenCanvas(width, height).getContext("2d");
  drawn.imageSmoothingQuality = "high";
  drawn.drawImage(picture, 0, 0, width, height);
  const { data } = drawn.getImageData(0, 0, width, height);
  const greys = [];
  for (let at = 0; at < data.length; at += 4) {
    greys.push(Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]));
  }
  return [width, height, greys];
}"""


def likeness(page: Page, one: bytes, other: bytes) -> tuple[float, float]:
    """SSIM (Wang and others, 2004; 1 is the same) and mean absolute difference (0 to 1) of two PNGs.

    `page` is any page of a browser, which unpacks and shrinks them.
    """
    first, second = _greys(page, one), _greys(page, other)
    height, width = (min(pair) // WINDOW * WINDOW for pair in zip(first.shape, second.shape, strict=True))
    return _similarity(first[:height, :width], second[:height, :width])


def _greys(page: Page, png: bytes) -> np.ndarray[Any, Any]:
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    width, height, greys = page.evaluate(_GREYS, [source, SHRUNK])
    return np.array(greys, dtype=float).reshape(height, width)


def _similarity(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> tuple[float, float]:
    first, second = _windows(one), _windows(other)
    mean_1, mean_2 = first.mean(axis=1), second.mean(axis=1)
    variance_1, variance_2 = first.var(axis=1), second.var(axis=1)
    shared = (first * second).mean(axis=1) - mean_1 * mean_2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    same = (2 * mean_1 * mean_2 + c1) * (2 * shared + c2)
    ssim = same / ((mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2))
    return float(ssim.mean()), float(np.abs(one - other).mean() / 255)


def _windows(grey: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    height, width = grey.shape
    cut = grey.reshape(height // WINDOW, WINDOW, width // WINDOW, WINDOW)
    return cut.swapaxes(1, 2).reshape(-1, WINDOW * WINDOW)
