"""Makes reference.json beside this file: what scipy 1.17.1 and scikit-learn 1.9.1 say.

Python 3.11 with scipy and scikit-learn; run from anywhere: python make-reference.py
"""
import json, os
import numpy as np
from scipy.stats import beta, binomtest, norm
from sklearn.metrics import cohen_kappa_score, f1_score

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(5)
betas = [[p, a, b, float(beta.ppf(p, a, b))]
         for a, b in [(0.5, 0.5), (1, 1), (1, 100), (3, 7), (10, 1), (96, 5), (250, 250), (2, 99_999), (40_000, 60_000)]
         for p in [1e-6, 0.001, 0.025, 0.05, 0.5, 0.9, 0.975, 0.999999]]
normals = [[p, float(norm.ppf(p))] for p in [1e-10, 1e-6, 0.001, 0.025, 0.05, 0.075, 0.3, 0.5, 0.7, 0.9, 0.975, 0.995, 1 - 1e-9]]
intervals = []
for k, n in [(0, 1), (1, 1), (0, 10), (10, 10), (5, 10), (9, 10), (96, 100), (1, 100), (50, 1000), (99_000, 100_000)]:
    for confidence in [0.68, 0.95, 0.999]:
        exact = binomtest(k, n).proportion_ci(confidence, "exact")
        wilson = binomtest(k, n).proportion_ci(confidence, "wilson")
        intervals.append({"successes": k, "n": n, "confidence": confidence,
                          "clopper-pearson": [float(exact.low), float(exact.high)],
                          "wilson": [float(wilson.low), float(wilson.high)],
                          "lowerBound": float(binomtest(k, n, alternative="greater").proportion_ci(confidence, "exact").low)})
first = rng.integers(0, 4, 200)
second = np.where(rng.random(200) < 0.6, first, rng.integers(0, 4, 200))
agreement = {"first": first.tolist(), "second": second.tolist(), "kappa": float(cohen_kappa_score(first, second)),
             "f1": f1_score(first, second, average=None).tolist()}
with open(os.path.join(HERE, "reference.json"), "w") as handle:
    json.dump({"betas": betas, "normals": normals, "intervals": intervals, "agreement": agreement}, handle)
    handle.write("\n")
