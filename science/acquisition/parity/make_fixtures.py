"""Makes scikit-activeml.json beside this file: what scikit-activeml 1.0.1 says about random probabilities and embeddings.

Python 3.11 with scikit-activeml==1.0.1; run from anywhere: python make_fixtures.py
`badge.counts`: how often each candidate was chosen at each place of a batch, over `badge.queries` queries with the
seeds 0, 1, ...; for a test by distribution.
"""
import json, os
import numpy as np
from sklearn.metrics.pairwise import cosine_similarity
from skactiveml.base import SkactivemlClassifier
from skactiveml.pool import Badge, GreedyBALD, UncertaintySampling, k_greedy_center, uncertainty_scores
from skactiveml.utils import MISSING_LABEL

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS, CLASSES, WIDTH, DRAWS, LABELLED, BATCH = 30, 4, 6, 8, 5, 6
BADGE_ROWS, BADGE_BATCH, BADGE_QUERIES = 12, 4, 10_000
rng = np.random.default_rng(20200714)


class Given(SkactivemlClassifier):
    """A classifier that knows the probabilities of the rows it is asked about: those of `table`, in order."""

    def __init__(self, table=None, classes=None, missing_label=MISSING_LABEL, cost_matrix=None, random_state=None):
        super().__init__(classes, missing_label, cost_matrix, random_state)
        self.table = table

    def fit(self, X, y, sample_weight=None):
        self._validate_data(X, y, sample_weight)
        return self

    def predict_proba(self, X):
        return np.asarray(self.table)[: len(X)]


def given(table, X):
    labels = np.full(len(X), np.nan)
    labels[:2] = [0, 1]
    return Given(table, classes=list(range(table.shape[1]))).fit(X, labels)


probabilities = rng.dirichlet(np.full(CLASSES, 0.5), ROWS)
probabilities[0] = [0, 1, 0, 0]
probabilities[1] = 1 / CLASSES
probabilities[2] = [0.5, 0.5, 0, 0]
embeddings = np.maximum(0, rng.normal(0.3, 1, (ROWS, WIDTH)))
embeddings[3] = 0
labelled = np.maximum(0, rng.normal(0.3, 1, (LABELLED, WIDTH)))
# Beyond 1e-7 on both sides: nearer to 0 scikit-activeml cuts probabilities off.
dropout = 0.99 * rng.dirichlet(np.full(CLASSES, 0.5), (DRAWS, ROWS)) + 0.01 / CLASSES
density = cosine_similarity(embeddings).mean(axis=1)
unlabelled = np.full(ROWS, np.nan)

_, density_weighted = UncertaintySampling(method="entropy").query(
    embeddings, unlabelled, given(probabilities, embeddings), fit_clf=False, utility_weight=density,
    return_utilities=True)


class Drawn(SkactivemlClassifier):
    """A classifier whose members' predictions are the draws."""

    def __init__(self, classes=None, missing_label=MISSING_LABEL, cost_matrix=None, random_state=None):
        super().__init__(classes, missing_label, cost_matrix, random_state)

    def fit(self, X, y, sample_weight=None):
        self._validate_data(X, y, sample_weight)
        return self

    def predict_proba(self, X):
        return dropout.mean(axis=0)

    def sample_proba(self, X):
        return dropout


labels = unlabelled.copy()
labels[:2] = [0, 1]
_, bald = GreedyBALD(sample_predictions_method_name="sample_proba").query(
    embeddings, unlabelled, Drawn(classes=list(range(CLASSES))).fit(embeddings, labels), fit_ensemble=False,
    return_utilities=True)

everything = np.concatenate([embeddings, labelled])
chosen, distances = k_greedy_center(
    everything, np.concatenate([unlabelled, np.zeros(LABELLED)]), batch_size=BATCH, random_state=0)

badge_probabilities = rng.dirichlet(np.full(3, 0.7), BADGE_ROWS)
badge_embeddings = np.maximum(0, rng.normal(0.3, 1, (BADGE_ROWS, WIDTH)))
counts = np.zeros((BADGE_BATCH, BADGE_ROWS), int)
classifier = given(badge_probabilities, badge_embeddings)
for seed in range(BADGE_QUERIES):
    batch = Badge(random_state=seed).query(
        badge_embeddings, np.full(BADGE_ROWS, np.nan), classifier, fit_clf=False, batch_size=BADGE_BATCH)
    counts[np.arange(BADGE_BATCH), batch] += 1


def numbers(values):
    return np.asarray(values, float).ravel().tolist()


fixture = {
    "rows": ROWS, "classes": CLASSES, "width": WIDTH, "draws": DRAWS,
    "probabilities": numbers(probabilities), "embeddings": numbers(embeddings), "labelled": numbers(labelled),
    "dropout": numbers(dropout),
    "scores": {
        "entropy": numbers(uncertainty_scores(probabilities, method="entropy")),
        "margin": numbers(uncertainty_scores(probabilities, method="margin_sampling")),
        "least_confidence": numbers(uncertainty_scores(probabilities, method="least_confident")),
        "density_weighted": numbers(density_weighted[0]),
        "bald": numbers(bald[0]),
    },
    "core_set": {"chosen": [int(row) for row in chosen],
                 "scores": numbers(distances[np.arange(BATCH), chosen])},
    "badge": {"rows": BADGE_ROWS, "classes": 3, "queries": BADGE_QUERIES,
              "probabilities": numbers(badge_probabilities), "embeddings": numbers(badge_embeddings),
              "counts": counts.tolist()},
}
with open(os.path.join(HERE, "scikit-activeml.json"), "w") as handle:
    json.dump(fixture, handle)
    handle.write("\n")
print(counts)
