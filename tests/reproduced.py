"""Numbers of `docs/reproduced.md` and of roads on `docs/user_guide/pipelines.md`, and where scripts print them.

Tests run some scripts with smaller constants; numbers that are then others are named in `ONLY_WHOLE`. After the site
was built, with all scripts as they are, ``python tests/reproduced.py docs/auto_gallery`` compares all numbers of all.
"""

import re
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "reproduced.md"
GUIDE = PAGE.parent / "user_guide" / "pipelines.md"
#: Scripts whose numbers are in rows of the guide.
ROADS = ("memory_of_photographs", "dendrite_patches", "video_memory", "one_dictionary")

#: For each script: words of its row, the numbers that they say, where these are in what the script prints, and how much
#: they may differ. That is from the spread over seeds that stands at the check of the script in `test_gallery.py`.
ROWS = {
    "v1_receptive_fields": [
        ("all of 144 atoms Gabor-like", [1.0], r"FVU < 0.3: ([\d.]+)", 0.05),
        ("15 to 26 % of raw patches", [0.205], r"raw patches: ([\d.]+)", 0.055),
    ],
    "beyond_l1": [
        ("2.6, 3.5 and 4.4 times", [2.6, 3.5, 4.4], r"shared atoms, .* active, soft over CEL0: ([\d.]+)", 0.25),
        ("seven tenths", [0.7], r"shared atoms, share of shrinkage in the difference: ([\d.]+)", 0.05),
        ("1.5, 1.8, 2.0", [1.5, 1.8, 2.0], r"atoms, from those of l1, .*, debiased over CEL0: ([\d.]+)", 0.15),
    ],
    "units_needed": [
        ("2.5 to 2.7 times", [2.6] * 3, r"3 % .* units of l1 over .*: ([\d.]+) .*?, ([\d.]+) .*?, ([\d.]+)", 0.15),
        ("never gets there", [16, 8, 4, 2], r"4.3 .* units of l1 over .*: > (\d+), > (\d+), > (\d+), > (\d+)", 0),
    ],
    "step_dependence": [("active units from 0", [0.0], r"\nhard: active units .*, ([\d.]+);", 0.05)],
    "receptive_fields_by_penalty": [
        ("hardly differ", [0.31] * 4, r"medians of nx, ny, .*: ([\d.]+), ", 0.05),
        ("hardly differ", [0.85] * 4, r"medians of nx, ny, .*: [\d.]+, ([\d.]+), ", 0.15),
        ("only after l1 has begun", [19.0], r"CEL0, without: .*gabor ([\d.]+) %", 10.0),
    ],
    "homeostasis": [
        ("0.386 without, 0.379 ols, 0.373 emp, hap and heh", [0.386, 0.379, *[0.373] * 3], r"error ([\d.]+);", 0.003)
    ],
    "lista": [
        ("four layers 0.22, ISTA 0.48, FISTA 0.45", [0.48, 0.45, 0.22],
         r"\n *4 layers: ISTA (.*?), FISTA (.*?), \w+ (\S+)", 0.01),
    ],
    "lca_sailnet": [
        ("6 % above replacement, 4 % annealed", [6, 4], r"hard threshold.*: objective above .* by ([\d.]+) %", 0.8),
        ("rate 0.05", [0.05], r"mean rate ([\d.]+)", 0.005),
        ("all Gabor-like", [1.0], r"FVU < 0.3: ([\d.]+)", 0.1),
    ],
    "task_driven_digits": [
        ("with 8 atoms 94 instead of 86 %", [86, 94], r"(?m)^8 atoms .*: ([\d.]+) % right", 1.5),
    ],
    "heterogeneous_kernels": [
        ("images are better in 9 of 9", [9, 9], r"weight .*, heterogeneous better of 9: PSNR (\d)", 0),
        ("at equal weights (4 of 9", [4, 4], r"weight .*, heterogeneous better of 9: .* sparseness (\d)", 1),
        ("0.84 times as many", [0.84], r"active at the PSNR of the other at weight 0.5: ([\d.]+)", 0.05),
    ],
    "pruning": [
        ("between 0.1 and 0.2", [3, 8], r"published: .* better of 9: 0, (\d), (\d)", 1),
        ("better at all cutoffs", [9] * 6, r"solved, .* better of 9: (\d), (\d), (\d), (\d), (\d), (\d)", 0),
    ],
    "orientation_statistics": [
        ("179.7 and 89.4 degrees, 0.93", [179.7, 89.4], r"by 0 .* at (.*?) and (.*?) degrees", 0.5),
        ("0.93", [0.93], r"by 0 .* degrees, explained ([\d.]+)", 0.02),
    ],
    "convolutional_kernels": [
        ("0.97 and 0.85 at 1 % active", [0.85, 0.97], r"(?:bank|from it): explained variance ([\d.]+)", 0.03)
    ],
    "memory_similarity": [
        ("agreement 0.91", [0.91], r"\(default\): agreement for 8 common pixels ([\d.]+)", 0.005),
        ("with 60 others stored 0.39", [0.39], r"\(default\): .* with 60 others ([\d.]+)", 0.06),
    ],
    "memory_capacity": [("both items most likely", [10, 30], r"most likely (?=.*\b(10)\b)(?=.*\b(30)\b)", 0)],
    "memory_hierarchy": [
        ("windows 93.5 %, two levels 92.7, three 89.0", [93.5, 92.7, 89.0],
         r"(?m)^(?:windows.*|t\w+ levels): naive .* regression ([\d.]+)", 1.0),
    ],
    "associative_memories": [
        ("Willshaw 0.39 bits a bit", [0.39], r"sparse items, Willshaw: at most ([\d.]+)", 0.03),
        ("macrocolumn 0.12, BCPNN 0.12", [0.12, 0.12], r"sparse items, (?:macro\w+|BCPNN): at most ([\d.]+)", 0.02),
        ("below 0.01", [0.005] * 2, r"dense items, (?:Hopfield|Kanerva): at most ([\d.]+)", 0.005),
    ],
    "dendrite_noise": [
        ("7.358e-4", [7.358e-4], r"\n +8 +\S+ +\S+ +([\d.]+)", 1e-6),
        ("0.0716827, 0.582524", [0.0716827, 0.582524], r"\n +1[26] +\S+ +\S+ +([\d.]+)", 1e-6),
        ("within 0.2 %", [7.358e-4], r"\n +8 +\S+ +([\d.]+)", 1.5e-6),
        ("within 0.2 %", [0.0716827, 0.582524], r"\n +1[26] +\S+ +([\d.]+)", 1.4e-4),
    ],
    "nmda_threshold": [("3.33e-8", [3.33e-8], r"at a threshold of 8: ([\d.e-]+)", 0)],
    "dendrite_scaling": [("with half the rate is 0.58", [0.58], r"half of them: ([\d.]+)", 0)],
    "dendrite_calibration": [
        # 10 times 0.01 and 180 times 0.0003
        ("10 to 180 times", [0.1, 0.054], r"(?m)^0.(?:0100|0003) +law: \d+, ([\d.]+)", 0.006),
    ],
    "temporal_memory": [
        ("0.49", [0.49], r"32 cells .*: ([\d.]+) from 2000", 0.02),
        ("0.451 after 40 % have died, for 0.486", [0.486, 0.451], r"(?m)^(?:0|40)% .*: ([\d.]+) in the next", 0.02),
    ],
    "permuted_digits": [("57, 72, 82, 88 %", [57, 72, 82, 88], r": ([\d.]+) % right", 1.5)],
    "streaming_anomalies": [
        ("21 of 54 by its score, 47 by errors of prediction, 54", [21, 47, 54],
         r"(?:score|error|before) .* (\d+)/54", 2),
    ],
    "spiking_lca": [("0.0007 above its minimum", [0.0007], r"\n100 time .* by ([\d.]+)", 2e-4)],
    "delta_network": [("10 to 11 times fewer", [10.5], r"learned on, quantizer: ([\d.]+)", 0.9)],
    "rates_and_deltas": [("largest error 1/16", [0.0625], r"rates in 8 steps: ([\d.]+)", 0)],
    "spiking_digits": [
        ("0.2 points below", [0.2], r"points below the perceptron: ([-\d.]+)", 0.3),
        ("1.9 times as many", [1.9], r"converted: .* in 8 steps: ([\d.]+) of the products", 0.1),
    ],
    "memory_of_photographs": [
        ("0.972 (0.960 to 0.980), 0.929 (0.905 to 0.950) and 0.818 (0.781 to 0.841)",
         [0.972, 0.96, 0.98, 0.929, 0.905, 0.95, 0.818, 0.781, 0.841],
         r"recalled without an error: ([\d.]+) \(([\d.]+) to ([\d.]+)\)", 0.02),
        ("0.990, 0.969 and 0.926", [0.99, 0.969, 0.926], r"stored or not: ([\d.]+)", 0.01),
        ("with 40 winners 0.612", [0.612], r"800 stored:(?:\n.*)*40 winners: ([\d.]+)", 0.03),
    ],
    "dendrite_patches": [
        ("0.590 +- 0.014, regression on codes 0.644 +- 0.007, on pixels 0.169 +- 0.029", [0.59, 0.644, 0.169],
         r"(?m)^(?:dendrites|codes|pixels) .* ([\d.]+) \+- \S+$", 0.015),
        ("dendrites 0.374 +- 0.038, regression 0.521 +- 0.008", [0.374, 0.521],
         r"(?m)^\w+, 4 x 4 places .* ([\d.]+) \+- \S+$", 0.02),
    ],
    "video_memory": [
        ("0.266 (0.255 to 0.287)", [0.266, 0.255, 0.287], r"coded again: ([\d.]+) \((\S+) to ([\d.]+)\)", 0.005),
        ("0.709 (0.617 to 0.812)", [0.709, 0.617, 0.812] * 2,
         r"(?:expected|replayed): ([\d.]+) \((\S+) to ([\d.]+)\)", 0.02),
        ("0.267 (0.156 to 0.365)", [0.267, 0.156, 0.365], r"as it is: ([\d.]+) \((\S+) to ([\d.]+)\)", 0.02),
        ("0.5 to 0.8 of the time", [0.65], r"time for codes: ([\d.]+)", 0.25),  # of the machine
    ],
    "one_dictionary": [
        ("0.391, 0.242 and 0.177", [0.391, 0.242, 0.177], r"side by side, .*: error ([\d.]+)", 0.003),
        ("0.360, 0.185 and 0.104", [0.36, 0.185, 0.104], r"convolution, .*: error ([\d.]+)", 0.007),
        ("0.023 (0.011 to 0.035)", [0.023, 0.011, 0.035],
         r"rates against exact codes: ([\d.]+) \((\S+) to ([\d.]+)\)", 0.005),
    ],
}  # fmt: skip

#: Numbers that scripts with smaller constants do not print: they depend on how many patches, units or seeds there are.
ONLY_WHOLE = {
    ("homeostasis", "0.386 without, 0.379 ols, 0.373 emp, hap and heh"),
    ("lca_sailnet", "all Gabor-like"),
    ("pruning", "between 0.1 and 0.2"),
    ("streaming_anomalies", "21 of 54 by its score, 47 by errors of prediction, 54"),
    ("units_needed", "2.5 to 2.7 times"),
    ("units_needed", "never gets there"),
    ("one_dictionary", "0.023 (0.011 to 0.035)"),
    *((name, row[0]) for name in ("memory_of_photographs", "dendrite_patches", "video_memory") for row in ROWS[name]),
}


def rows_of(name):
    """Return the rows of the pages that name a script, as one text."""
    lines = [line for page in (PAGE, GUIDE) for line in page.read_text("utf-8").splitlines()]
    return "\n".join(line for line in lines if f"plot_{name}.py" in line)


def check_reproduced(name, output, *, smaller=False):
    """Assert that a script, maybe with smaller constants, prints what the pages say of it."""
    for words, expected, pattern, tolerance in ROWS.get(name, ()):
        if smaller and (name, words) in ONLY_WHOLE:
            continue
        assert words in rows_of(name), f"{words!r} is no longer in the row of {name}"
        found = [match if isinstance(match, tuple) else (match,) for match in re.findall(pattern, output)]
        numbers = [float(value) for match in found for value in match]
        assert numbers == pytest.approx(expected, abs=tolerance + 1e-12), f"{words}: {numbers}"


def names_of_rows():
    """Return the scripts that the page names."""
    return set(re.findall(r"gallery/plot_(\w+)\.py", PAGE.read_text("utf-8")))


def main(folder):
    """Compare all rows with what scripts have printed while the site was built."""
    for name in ROWS:
        (page,) = Path(folder).rglob(f"plot_{name}.rst")
        blocks = re.findall(r"script-out\n\n \.\. code-block:: none\n\n((?:    .*\n|\n)+)", page.read_text("utf-8"))
        check_reproduced(
            name, re.sub("^    ", "", "\n".join(block.strip("\n") for block in blocks), flags=re.MULTILINE)
        )
    print(f"rows of {len(ROWS)} scripts are as printed")


if __name__ == "__main__":
    main(sys.argv[1])
