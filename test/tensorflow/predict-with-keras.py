"""Predicts with Keras: argv[1] is a directory with model.h5 and spectra.bin (float32, spectra × points), argv[2] points."""
import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
try:
    import tensorflow

    keras, version = tensorflow.keras, "tensorflow " + tensorflow.__version__
except ImportError:
    import keras

    version = "keras " + keras.__version__

directory, points = sys.argv[1], int(sys.argv[2])
model = keras.models.load_model(os.path.join(directory, "model.h5"), compile=False)
spectra = np.fromfile(os.path.join(directory, "spectra.bin"), dtype="f4").reshape(-1, points, 1)
probabilities = model.predict(spectra, verbose=0)
layers = [layer.name for layer in model.layers]
print(json.dumps({"version": version, "layers": layers, "probabilities": probabilities.tolist()}))
