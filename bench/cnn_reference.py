"""Keras' side of npm run bench:cnn: the default network as ../shared/reference/cnn.py has it.

python cnn_reference.py --versions
python cnn_reference.py DATA POINTS ROWS

DATA holds the spectra (float32, ROWS x POINTS) and then their classes (int32). Commands come by lines: `epoch` trains one,
`predict` predicts all with the faster of two batch sizes, `memory` tells the peak; each is answered by a line of JSON.
"""
import json, os, platform, resource, sys, time
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

if sys.argv[1:] == ["--versions"]:
    print(json.dumps({"python": platform.python_version(), "tensorflow": tf.__version__, "numpy": np.__version__}))
    sys.exit()
points, rows = int(sys.argv[2]), int(sys.argv[3])
x = np.fromfile(sys.argv[1], "f4", rows * points).reshape(rows, points, 1)
y = keras.utils.to_categorical(np.fromfile(sys.argv[1], "i4", rows, offset=4 * rows * points), 3)
keras.utils.set_random_seed(0)
blocks = [layer for filters in (64, 128, 256) for layer in (
    layers.Conv1D(filters, 3, activation="relu"), layers.Conv1D(filters, 3, activation="relu"), layers.MaxPooling1D(2))]
model = keras.Sequential([keras.Input((points, 1)), *blocks, layers.Flatten(),
                          layers.Dense(512, activation="relu"), layers.Dropout(0.5),
                          layers.Dense(512, activation="relu"), layers.Dropout(0.5), layers.Dense(3, activation="softmax")])
model.compile("adam", "categorical_crossentropy")


def epoch():
    began = time.perf_counter()
    loss = model.fit(x, y, batch_size=64, epochs=1, verbose=0).history["loss"][0]
    return {"seconds": time.perf_counter() - began, "loss": loss}


def predict():
    """The better of two batch sizes, each without the time it takes to make its graph."""
    seconds = []
    for size in (64, 512):
        model.predict(x[:size], batch_size=size, verbose=0)
        began = time.perf_counter()
        model.predict(x, batch_size=size, verbose=0)
        seconds.append(time.perf_counter() - began)
    return {"seconds": min(seconds)}


def memory():
    return {"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)}


print(json.dumps({"way": "keras"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"epoch": epoch, "predict": predict, "memory": memory}[line.strip()]()), flush=True)
