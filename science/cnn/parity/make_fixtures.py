"""What Keras makes of given networks, weights and batches: keras.json, which parity.test.ts holds ours against.

python make_fixtures.py > keras.json      (tensorflow-cpu 2.15.1)

Weights and spectra follow from a formula (`spread`), so that they need not be stored; of large arrays a sample is.
"""
import json, os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import numpy as np, tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers as kl

SAMPLE = 60
STEPS = 10


def spread(count, salt):
    """Numbers in [-1, 1) that look random."""
    index = np.arange(count, dtype=np.uint64)
    mixed = (index * np.uint64(2654435761) + np.uint64(salt) * np.uint64(40503)) % np.uint64(2**32)
    mixed = (mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519) % np.uint64(2**32)
    mixed = mixed ^ (mixed >> np.uint64(13))
    return mixed.astype("f8") / 2**31 - 1


def sample(values):
    flat = np.asarray(values, "f4").ravel().astype("f8")
    step = max(1, flat.size // SAMPLE)
    return {"norm": float(np.sqrt(np.sum(flat**2))), "values": flat[::step].tolist()}


def keras_layer(layer):
    kind = layer["kind"]
    if kind == "conv1d":
        return kl.Conv1D(layer["filters"], layer.get("kernel_size", 3), padding=layer.get("padding", "valid"),
                         activation=layer.get("activation", "relu"))
    if kind == "dense":
        return kl.Dense(layer["units"], activation=layer.get("activation", "relu"))
    return {"max_pooling1d": lambda: kl.MaxPooling1D(layer.get("pool_size", 2)), "flatten": kl.Flatten,
            "dropout": lambda: kl.Dropout(layer["rate"])}[kind]()


def fixture(name, points, classes, rows, learning_rate, layers):
    model = keras.Sequential([keras.Input((points, 1)), *map(keras_layer, layers), kl.Dense(classes, activation="softmax")])
    for salt, weight in enumerate(model.trainable_weights):
        shape = weight.shape.as_list()
        scale = np.sqrt(6 / (np.prod(shape[:-1]) + np.prod(shape[:-2]) * shape[-1])) if len(shape) > 1 else 0.1
        weight.assign((spread(np.prod(shape), salt + 1) * scale).astype("f4").reshape(shape))
    labels = np.arange(rows) * 7 % classes
    # A sawtooth for each class: labels that follow from nothing leave gradients near 0, whose signs are rounding's.
    teeth = (np.arange(points) * 5.0 * (labels[:, None] + 1) / points) % 1
    noise = spread(rows * points, 101).reshape(rows, points)
    x = (0.5 * noise + teeth - 0.5).astype("f4")[:, :, None]
    weights = (1 + 0.5 * spread(rows, 102)).astype("f4")
    predictions = model.predict_on_batch(x)
    entropy = keras.losses.CategoricalCrossentropy()
    with tf.GradientTape() as tape:
        loss = entropy(keras.utils.to_categorical(labels, classes), model(x, training=True), sample_weight=weights)
    gradients = tape.gradient(loss, model.trainable_weights)
    model.compile(keras.optimizers.Adam(learning_rate), "categorical_crossentropy")
    losses = [float(model.train_on_batch(x, keras.utils.to_categorical(labels, classes), sample_weight=weights))
              for _ in range(STEPS)]
    return {"name": name, "points": points, "classes": classes, "rows": rows, "learningRate": learning_rate, "layers": layers,
            "parameterCount": model.count_params(), "predictions": np.ravel(predictions).astype("f8").tolist(),
            "loss": float(loss), "losses": losses, "gradients": [sample(one) for one in gradients],
            "weightsAfterSteps": [sample(one) for one in model.trainable_weights]}


BLOCKS = [layer for filters in (64, 128, 256) for layer in (
    {"kind": "conv1d", "filters": filters}, {"kind": "conv1d", "filters": filters}, {"kind": "max_pooling1d"})]
print(json.dumps([
    fixture("small, with everything", 37, 4, 9, 1e-3, [
        {"kind": "conv1d", "filters": 5, "kernel_size": 4, "padding": "same"},
        {"kind": "max_pooling1d", "pool_size": 2},
        {"kind": "conv1d", "filters": 6, "activation": "linear"},
        {"kind": "dropout", "rate": 0},
        {"kind": "max_pooling1d", "pool_size": 3},
        {"kind": "flatten"},
        {"kind": "dense", "units": 8},
        {"kind": "dense", "units": 7, "activation": "linear"},
    ]),
    # At 1e-3 its first steps overshoot, and rounding grows to 1e-3 in ten: between two runs of Keras, too.
    fixture("default, 140 points", 140, 3, 32, 1e-4, [
        *BLOCKS, {"kind": "flatten"}, {"kind": "dense", "units": 512}, {"kind": "dropout", "rate": 0},
        {"kind": "dense", "units": 512}, {"kind": "dropout", "rate": 0},
    ]),
]))
