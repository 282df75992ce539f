"""What imbalanced-learn's SMOTE takes for neighbours: imbalanced-learn.json, which parity.test.ts holds ours against.

python make_fixtures.py > imbalanced-learn.json      (imbalanced-learn 0.14.2, scikit-learn 1.9.1)

Spectra follow from a formula (`spread`), so that they need not be stored. Of each class the neighbours that SMOTE mixes
with, as rows of the class, the nearest first; and how many spectra each class has afterwards.
"""
import json
import numpy as np
import imblearn
import sklearn
from imblearn.over_sampling import SMOTE

POINTS = 9
COUNTS = [40, 23, 8]


def spread(count):
    """Numbers in [-1, 1) that look random."""
    index = np.arange(count, dtype=np.uint64)
    mixed = (index * np.uint64(2654435761)) % np.uint64(2**32)
    return (mixed.astype("f8") / 2**31 - 1).astype("f4")


labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
spectra = spread(len(labels) * POINTS).reshape(-1, POINTS)
smote = SMOTE(random_state=0)
_, resampled = smote.fit_resample(spectra, labels)
neighbours = {}
for label in range(len(COUNTS)):
    of_class = spectra[labels == label]
    smote.nn_k_.fit(of_class)
    neighbours[label] = smote.nn_k_.kneighbors(of_class, return_distance=False)[:, 1:].tolist()
print(json.dumps({
    "versions": {"imbalanced-learn": imblearn.__version__, "scikit-learn": sklearn.__version__},
    "points": POINTS,
    "counts": COUNTS,
    "counts_afterwards": np.bincount(resampled).tolist(),
    "neighbours": neighbours,
}))
