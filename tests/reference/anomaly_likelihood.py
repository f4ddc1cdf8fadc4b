"""Naive twin of the likelihood of anomalies: all averages of all rows, over and over."""

from statistics import NormalDist, fmean, pvariance


def likelihoods(scores, window=8640, learning=288, samples=100, period=100, averaging=10, one_sided=True):
    averages, found, normal, before = [], [], None, False
    for n in range(len(scores)):
        recent = scores[max(0, n + 1 - averaging) : n + 1]
        averages.append(fmean(recent))
        if n < learning + samples:
            found.append(0.5)
            continue
        if normal is None or n % period == 0:
            known = averages[max(learning, n - window) : n]
            normal = NormalDist(max(fmean(known), 0.03), max(pvariance(known), 0.0003) ** 0.5)
        distance = averages[n] - normal.mean
        z = (distance if one_sided else abs(distance)) / normal.stdev
        tail = NormalDist().cdf(-z)
        extreme = tail <= 1e-5
        found.append(1 - (1e-3 if extreme and before else tail))
        before = extreme
    return found
