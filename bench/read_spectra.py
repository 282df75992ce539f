"""The reference of read-spectra.ts: astropy, numpy.interp and min-max over the good pixels. Prints spectra/s."""
import os, sys, time
import numpy as np
from astropy.io import fits

root, rounds = sys.argv[1], int(sys.argv[2])
grid = np.linspace(6519, 6732, 140)
paths = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names if name.endswith(".fits.gz")]


def preprocess(path):
    with fits.open(path, memmap=False) as hdus:
        header, data = hdus[0].header, hdus[0].data.astype("f8")
    if "subcont" in header["EXTEN0"].lower():
        wave = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(data.shape[1]))
    else:
        wave = data[2]
    good = (data[1] > 0) & np.isfinite(data[0]) & (data[3] == 0)
    row = np.interp(grid, wave[good], data[0][good])
    low, high = row.min(), row.max()
    return 2 * (row - low) / (high - low) - 1 if high > low else np.zeros(len(grid))


for path in paths:
    preprocess(path)
began = time.perf_counter()
for _ in range(max(1, rounds // 10)):
    for path in paths:
        preprocess(path)
print(max(1, rounds // 10) * len(paths) / (time.perf_counter() - began))
