"""What scikit-learn's t-SNE makes of given spectra: scikit-learn.json, which parity.test.ts holds ours against.

python make_fixtures.py > scikit-learn.json      (scikit-learn 1.9.1)

Spectra follow from a formula (`spectra`), so that they need not be stored. Maps of so few end in one of several minima,
by the seed: what is compared is the median of several.
"""
import json
import numpy as np
import sklearn
from sklearn.manifold import TSNE, trustworthiness

ROWS, POINTS, NEIGHBOURS, MAPS = 120, 60, 12, 9


def spread(index):
    """Numbers in [0, 1) that look random."""
    return ((index.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)).astype("f8") / 2**32


def spectra():
    """Peaks of many places and widths, on a noise."""
    index = np.arange(ROWS * POINTS)
    row, point = index // POINTS, index % POINTS
    centre, width = POINTS * spread(2 * row + 1), 2 + 6 * spread(2 * row + 2)
    return (np.exp(-0.5 * ((point - centre) / width) ** 2) + 0.1 * spread(index)).astype("f4").reshape(ROWS, POINTS)


x = spectra()
maps = [TSNE(init="random", random_state=seed).fit_transform(x) for seed in range(MAPS)]
print(json.dumps({
    "versions": {"scikit-learn": sklearn.__version__},
    "rows": ROWS,
    "points": POINTS,
    "neighbours": NEIGHBOURS,
    "trustworthiness": sorted(float(trustworthiness(x, one, n_neighbors=NEIGHBOURS)) for one in maps),
    "trustworthiness_of_points_10_and_20": float(trustworthiness(x, x[:, [10, 20]], n_neighbors=NEIGHBOURS)),
}))
