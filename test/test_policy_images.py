"""Fitting camera images into a square: against Pillow, and what holds for every size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from arvla_ros.policy.images import letterbox


def smooth_image(height: int, width: int) -> torch.Tensor:
    noise = torch.randint(256, (height // 8 + 2, width // 8 + 2, 3), generator=torch.Generator().manual_seed(0))
    enlarged = Image.fromarray(noise.to(torch.uint8).numpy()).resize((width, height), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(enlarged))


@pytest.mark.parametrize(("height", "width"), [(480, 640), (720, 405), (90, 120), (100, 224)])
def test_the_image_is_what_pillow_makes_of_it_centred_on_black(height: int, width: int) -> None:
    image = smooth_image(height, width)
    shrink = max(height, width) / 224
    fitted_height, fitted_width = round(height / shrink), round(width / shrink)
    fitted = Image.fromarray(image.numpy()).resize((fitted_width, fitted_height), Image.Resampling.BILINEAR)
    expected = Image.new("RGB", (224, 224))
    expected.paste(fitted, ((224 - fitted_width) // 2, (224 - fitted_height) // 2))
    found = (letterbox(image[None], 224)[0].permute(1, 2, 0) + 1) * 127.5
    # Pillow rounds after each of its two passes.
    torch.testing.assert_close(found, torch.from_numpy(np.array(expected)).float(), atol=1.01, rtol=0)


def test_a_square_of_the_right_size_is_only_scaled_to_one() -> None:
    image = smooth_image(56, 56)
    assert torch.equal(letterbox(image[None], 56)[0], image.permute(2, 0, 1) / 127.5 - 1)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), size=st.sampled_from((7, 14, 28)))
def test_an_image_of_any_size_fills_the_square_in_one_direction_at_least(height: int, width: int, size: int) -> None:
    white = letterbox(torch.full((1, height, width, 3), 255, dtype=torch.uint8), size)
    assert white.shape == (1, 3, size, size)
    lit = white[0, 0] > 0
    torch.testing.assert_close(white[0], (lit * 2.0 - 1).expand(3, -1, -1), atol=1e-5, rtol=0)
    filled = lit.nonzero()
    extent = filled.amax(0) - filled.amin(0) + 1
    assert extent.max() == size
    assert abs(extent.min() - size * min(height, width) / max(height, width)) <= 1
    # Centred, where the number of black lines is odd with the smaller half first.
    before, after = filled.amin(0), size - 1 - filled.amax(0)
    assert ((after - before == 0) | (after - before == 1)).all()
