"""Images by steps of a flow: painted, made small, measured, and their measures put into one table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import numpy as np
import pandas as pd
from PIL import Image

from elliptio.flows import IO, Flow, Processor

paint = Processor(name="paint", inputs=["count"], outputs=["image"])
shrink = Processor(name="shrink", inputs=["image"], outputs=["thumbnail"], resume="per_value")
measure = Processor(name="measure", inputs=["thumbnail"], outputs=["feature"])
gather = Processor(name="gather", inputs=["feature"], outputs=["table"], wait=True)


@paint
async def _paint(count: IO[int]) -> AsyncIterator[Image.Image]:
    for number in range(await count.first()):
        await anyio.sleep(0.002)  # a camera takes its time
        yield Image.fromarray(np.random.default_rng(number).integers(0, 256, (24, 24, 3), dtype=np.uint8))


@shrink
async def _shrink(image: IO[Image.Image]) -> AsyncIterator[Image.Image]:
    async for one in image.stream():
        yield one.resize((8, 8))


@measure
async def _measure(thumbnail: IO[Image.Image]) -> AsyncIterator[dict[str, Any]]:
    number = 0
    async for one in thumbnail.stream():
        pixels = np.asarray(one)
        yield {"number": number, "mean": float(pixels.mean()), "spread": float(pixels.std())}
        number += 1


@gather
async def _gather(feature: IO[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(await feature.collect())


flow = Flow.from_tasks(paint, shrink, measure, gather).resolve()
