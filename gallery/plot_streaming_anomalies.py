"""
Anomalies in a stream of hourly power, and how hard they are for simpler detectors
===================================================================================

A building draws more power at noon than at night, and more on workdays than on weekends, with some noise: 30 weeks of
hourly values, of our own making. From the twelfth week on, something happens once a week: a single wrong value (spike),
a meter that stands still for ten hours (stuck), a workday that looks like a Saturday (holiday), a day that is five
hours late (shifted), or a machine that runs all night (night).

`SequencePredictor` sees each value once, with its hour and whether it is a weekend, predicts it, and then learns it. It
knows of no period. Its detectors are the anomaly score of its temporal memory (the share of the columns that were not
predicted; here without dates, which are predicted always), the likelihood of an anomaly among these scores, and the
error of its prediction. Others are a Gaussian over the values of the last 1000 hours, one over their hourly changes,
and the distance to the mean of the same hour in the weeks before, which knows the period of a week.

Each detector may raise its alarm in 0.2 % of the hours in which nothing happened; a threshold that hindsight sets. The
table counts anomalies with an alarm from their begin to twelve hours after their end, in three streams.

The numbers to look at: the Gaussian of values sees almost nothing, since a wrong value is still one of a normal day.
Errors of the prediction find most, more than changes do. But the mean of the weeks before finds all: who knows that a
stream has a cycle needs no more, though the memory predicts the next hour better. The anomaly score of the memory alone
is poor in such noise: a normal hour that did not occur in its context before is as unpredicted as an abnormal one.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sparsecode.dendrites import AnomalyLikelihood, SequencePredictor

N_HOURS, FIRST, WEEK, SEEDS = 5040, 2016, 168, 3
KINDS = ("spike", "stuck", "holiday", "shifted", "night")


def stream(seed):
    """Hourly power, and kind, begin and end of its anomalies."""
    rng, hours = np.random.default_rng(seed), np.arange(N_HOURS)
    hour, workday = hours % 24, hours // 24 % 7 < 5
    day = 20 * np.exp(-0.5 * ((hour - 13) / 4) ** 2) + 4 * (hour == 8)
    power = 20 + np.where(workday, day, 6 * np.exp(-0.5 * ((hour - 15) / 3) ** 2)) + 3 * np.sin(2 * np.pi * hour / 24)
    noise, events, normal = np.zeros(N_HOURS), [], power.copy()
    for i in range(1, N_HOURS):
        noise[i] = 0.7 * noise[i - 1] + 0.5 * rng.normal()
    for number, week in enumerate(range(FIRST, N_HOURS - 100, WEEK)):
        kind, start = KINDS[(number + seed) % len(KINDS)], week + 24 * rng.integers(1, 4)
        start += {"spike": rng.integers(24), "stuck": rng.integers(6, 12), "night": rng.integers(3)}.get(kind, 0)
        end = start + {"spike": 1, "stuck": 10, "night": 6}.get(kind, 24)
        if kind == "spike":
            power[start] += 12 * rng.choice([-1, 1])
        elif kind == "stuck":
            power[start:end], noise[start:end] = power[start] + noise[start], 0
        elif kind == "holiday":
            power[start:end] = normal[120:144]
        elif kind == "shifted":
            power[start:end] = np.roll(normal[start:end], 5)
        else:
            power[start:end] += 10
        events.append((kind, start, end))
    return power + noise, events


def gaussian(values, window=1000):
    """Distance of each value to the mean of those before, in standard deviations."""
    scores = np.zeros(len(values))
    for i in range(50, len(values)):
        before = values[max(0, i - window) : i]
        scores[i] = abs(values[i] - before.mean()) / before.std()
    return scores


def weeks_before(values, most=12):
    """Distance of each value to the mean of the same hour in the weeks before."""
    scores = np.zeros(len(values))
    for i in range(4 * WEEK, len(values)):
        scores[i] = abs(values[i] - values[i - WEEK * np.arange(1, min(i // WEEK, most) + 1)].mean())
    return scores


def detected(scores, events):
    """Which anomalies have an alarm, with as many false ones for all detectors."""
    quiet = np.arange(N_HOURS) >= FIRST
    for _, start, end in events:
        quiet[start - 1 : end + 36] = False
    threshold = np.quantile(scores[quiet], 0.998)
    return [bool((scores[start : end + 12] > threshold).any()) for _, start, end in events]


found, errors, likelihood = {}, [], AnomalyLikelihood(learning_period=500, averaging_window=3)
for seed in range(SEEDS):
    power, events = stream(seed)
    dates = np.datetime64("2024-01-01T00", "h") + np.arange(N_HOURS)
    alone = SequencePredictor(likelihood=likelihood, random_state=seed, n_buckets=100).fit(power).outcomes_
    dated = SequencePredictor(random_state=seed).fit(power, dates=dates).outcomes_
    error, change = np.abs(np.nan_to_num(dated["prediction"]) - power), np.abs(np.diff(power, prepend=power[0]))
    detectors = {
        "Gaussian of values": gaussian(power),
        "Gaussian of changes": gaussian(change),
        "memory, anomaly score": alone["anomaly"],
        "memory, likelihood": alone["likelihood"],
        "memory, error": error,
        "same hour of weeks before": weeks_before(power),
    }
    for name, scores in detectors.items():
        found.setdefault(name, []).extend(zip([kind for kind, *_ in events], detected(scores, events), strict=True))
    guesses = error, change, detectors["same hour of weeks before"]
    errors.append([distances[FIRST:].mean() for distances in guesses])
    if seed == 0:
        shown = power, events, dated["prediction"], detectors

print(f"{'anomalies with an alarm':26}" + "".join(f"{kind:>9}" for kind in (*KINDS, "all")))
for name, hits in found.items():
    counts = [[hit for kind, hit in hits if kind == wanted] for wanted in KINDS] + [[hit for _, hit in hits]]
    print(f"{name:26}" + "".join(f"{f'{sum(c)}/{len(c)}':>9}" for c in counts))
means = np.mean(errors, axis=0)
print(
    f"mean absolute error: memory {means[0]:.2f}, last value {means[1]:.2f}, same hour of weeks before {means[2]:.2f}"
)

power, events, prediction, detectors = shown
part = slice(FIRST, FIRST + 5 * WEEK)
figure, axes = plt.subplots(4, 1, figsize=(11, 8.5), layout="constrained", sharex=True, height_ratios=[2, 1, 1, 1])
days = np.arange(N_HOURS) / 24
axes[0].plot(days[part], power[part], color="0.2", linewidth=1, label="power")
axes[0].plot(days[part], prediction[part], color="#d55e00", linewidth=0.8, label="predicted an hour before")
axes[0].legend(frameon=False, loc="upper right", ncols=2)
names = ("Gaussian of values", "memory, anomaly score", "memory, error")
for ax, name, colour in zip(axes[1:], names, ["0.4", "#0072b2", "#d55e00"], strict=True):
    ax.plot(days[part], detectors[name][part], color=colour, linewidth=0.8)
    ax.set(ylabel=name.replace(", ", ",\n"))
for kind, start, end in events[:5]:
    for ax in axes:
        ax.axvspan(days[start] - 0.15, days[end] + 0.15, color="#e69f00", alpha=0.3, linewidth=0)
    axes[0].text(days[start], axes[0].get_ylim()[1], kind, fontsize=9)
axes[-1].set(xlabel="days")

name = Path(__file__).with_suffix(".png") if "__file__" in globals() else "plot_streaming_anomalies.png"
figure.savefig(name, dpi=120)
