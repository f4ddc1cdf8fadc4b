"""
Binary codes of numbers, dates, categories and positions
========================================================

Memories and dendrites take sparse binary codes, in which what is alike shares ones. An encoder of values decides what
is alike: numbers by their distance, hours around the clock, categories not at all.

Top: each row is the code of one value. A `ScalarEncoder` moves a block of 16 ones through 128 bits, between bounds. A
`RandomDistributedScalarEncoder` scatters its ones, here among 256, and needs no bounds. A `DateEncoder` has a field for
each thing that recurs: of the days of four weeks, at noon, day of the week and weekend do, while the season hardly
moves. A `CategoryEncoder` has a block for each category.

Bottom: how many ones two codes share, by the distance of the values; black lines are laws. For numbers the overlap
falls by one with each bucket: to 0 with blocks, to what random codes share with scattered ones, w^2 / n in the mean.
Around the clock it falls to nothing at 4 hours, and rises again before midnight. Of grid cells it falls with the
distance of positions in the plane, alike in all directions.

The number to look at: the mean overlap of scattered codes 4 buckets apart, 12 for certain, and far apart, 0.5 by the
law. Codes as in S. Purdy, "Encoding data for HTM systems", arXiv:1602.05925 (2016); how bits are hashed is not.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.sdr import (
    CategoryEncoder,
    DateEncoder,
    GridCellEncoder,
    RandomDistributedScalarEncoder,
    ScalarEncoder,
)

BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
rng = np.random.default_rng(0)

temperatures = np.linspace(-10, 30, 60)[:, None]
scalar = ScalarEncoder(bounds=(-10, 30)).fit(temperatures)
scattered = RandomDistributedScalarEncoder(256, 16, resolution=40 / 113, random_state=0)
days = (np.datetime64("2026-06-01T12:00") + 24 * 60 * np.arange(28).astype("timedelta64[m]"))[:, None]
dates = DateEncoder(time_of_day=0).fit(days)
animals = np.array(["ant", "bee", "cat", "dog", "eel"])[np.arange(20) % 5][:, None]

figure, axes = plt.subplots(2, 4, figsize=(13, 7), layout="constrained")
rasters = {
    "numbers: ScalarEncoder": (scalar.transform(temperatures), (-10, 30), "temperature"),
    "numbers: RandomDistributed...": (scattered.fit_transform(temperatures), (-10, 30), "temperature"),
    "dates: DateEncoder": (dates.transform(days), (1, 28), "day of June 2026"),
    "categories: CategoryEncoder": (CategoryEncoder(8).fit_transform(animals), (0, 19), "row"),
}
for ax, (title, (codes, (first, last), label)) in zip(axes[0], rasters.items(), strict=True):
    ax.imshow(codes, cmap="gray_r", aspect="auto", interpolation="nearest", extent=(0, codes.shape[1], last, first))
    ax.set(title=title, xlabel="bit", ylabel=label)
for field, bits in dates.fields_.items():
    axes[0, 2].axvline(bits.stop, color=ORANGE, linewidth=0.8)
    axes[0, 2].text((bits.start + bits.stop) / 2, 0.4, field.replace("_", " "), color=ORANGE, fontsize=7, ha="center")
axes[0, 2].set_title("dates: DateEncoder", pad=14)
axes[0, 3].set_yticks(range(0, 20, 5))


def overlaps(encoder, start, moved):
    """Ones that codes of values share with those of values that moved, one row after the other."""
    return (encoder.transform(start) & encoder.transform(moved)).sum(axis=1)


d = np.arange(0, 41)
start = rng.uniform(0, 60, 2000)[:, None]
block = ScalarEncoder(128, 16, bounds=(0, 113)).fit(start)
hashed = RandomDistributedScalarEncoder(resolution=1.0, random_state=0).fit(start)
found = {
    "ScalarEncoder": [overlaps(block, np.floor(start) + 0.5, np.floor(start) + 0.5 + k).mean() for k in d],
    "RandomDistributed...": [overlaps(hashed, start, start + k).mean() for k in d],
}
for (name, values), colour in zip(found.items(), (BLUE, ORANGE), strict=True):
    axes[1, 0].plot(d, values, "o", color=colour, markersize=3, label=name)
axes[1, 0].plot(d, np.maximum(0, 16 - d), "k", linewidth=0.8, label="max(0, w - d)")
axes[1, 0].set(title="numbers", xlabel="distance d in buckets", ylabel="ones in common")
far = rng.integers(100, 10**6, 2000)[:, None]
shared = overlaps(hashed, start, start + far)
axes[1, 1].hist(shared, np.arange(-0.5, 8), color=ORANGE, density=True, label="2000 pairs")
axes[1, 1].axvline(16**2 / 512, color="k", linewidth=0.8, label="mean by the law, w²/n")
axes[1, 1].set(title="far numbers, RandomDistributed...", xlabel="ones in common", ylabel="share of pairs")

hours = np.arange(0, 24.1, 0.5)
clock = DateEncoder(season=0, day_of_week=0, weekend=0)
begin = np.datetime64("2026-06-01T09:00") + rng.integers(0, 1440, (500, 1)).astype("timedelta64[m]")
clock.fit(begin)
steps = (60 * hours).astype("timedelta64[m]")
axes[1, 2].plot(hours, [overlaps(clock, begin, begin + step).mean() for step in steps], "o", color=GREEN, markersize=3,
                label="time of day")  # fmt: skip
around = np.minimum(hours, 24 - hours)
axes[1, 2].plot(hours, np.maximum(0, 16 - 4 * around), "k", linewidth=0.8, label="16 (1 - d / 4 h)")
axes[1, 2].set(title="times of day", xlabel="hours apart", ylabel="ones in common")

places = rng.uniform(0, 10, (500, 2))
grid = GridCellEncoder(random_state=0).fit(places)
apart = np.linspace(0, 5, 26)
for angle, colour in ((0, BLUE), (45, PINK), (90, GREEN)):
    step = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    axes[1, 3].plot(apart, [overlaps(grid, places, places + r * step).mean() for r in apart], "o-", color=colour,
                    markersize=3, linewidth=0.8, label=f"at {angle}°")  # fmt: skip
axes[1, 3].axhline(64 * 4 / 64, color="k", linewidth=0.8, label="random codes")
axes[1, 3].set(title="positions: GridCellEncoder", xlabel="distance in a square of 10 x 10", ylabel="ones in common")
for ax in axes[1]:
    ax.legend(frameon=False, fontsize=8)

print(f"scattered codes, 4 buckets apart: {found['RandomDistributed...'][4]:.2f}, far apart: {shared.mean():.2f}")
print(f"grid cells, 0.2 apart: {overlaps(grid, places, places + 0.2 * np.eye(2)[0]).mean():.1f} of 64")

figure.savefig(Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_sdr_encoders.png", dpi=120)
