"""scikit-learn's t-SNE on the spectra of a file, and the trustworthiness (k=12) of its map and of a given one.

python tsne_reference.py SPECTRA POINTS MAP      (little-endian float32 rows × points; float64 rows × 2; scikit-learn)
Prints one line of JSON.
"""
import json, os, sys, time
os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import sklearn
from sklearn.manifold import TSNE, trustworthiness

spectra = np.fromfile(sys.argv[1], "<f4").reshape(-1, int(sys.argv[2]))
given = np.fromfile(sys.argv[3], "<f8").reshape(-1, 2)
began = time.perf_counter()
own = TSNE(random_state=0, n_jobs=1).fit_transform(spectra)
seconds = time.perf_counter() - began
print(json.dumps({
    "version": sklearn.__version__,
    "seconds": seconds,
    "trustworthiness": float(trustworthiness(spectra, own, n_neighbors=12)),
    "trustworthiness_of_given": float(trustworthiness(spectra, given, n_neighbors=12)),
}))
