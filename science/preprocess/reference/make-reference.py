"""Makes the reference rows beside this file: astropy, numpy.interp and min-max on samples/spectra.

Python 3.11 with numpy and astropy; run from anywhere: python make-reference.py
`keep`: every pixel. `mask`: pixels with IVAR = 0, ANDMASK != 0 or a flux that is not finite are left out.
A row of `mask` is NaN where a run of more than 5 bad pixels touches the grid: there the two programs differ by design.
"""
import json, os
import numpy as np
from astropy.io import fits

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "..", "..", "..", "samples", "spectra")
GRID = np.linspace(6519, 6732, 140)


def scaled(row):
    low, high = row.min(), row.max()
    return 2 * (row - low) / (high - low) - 1 if high > low else np.zeros(len(row))


def longest_run(bad):
    longest = run = 0
    for one in bad:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest


paths = sorted(os.path.relpath(os.path.join(folder, name), SAMPLES)
               for folder, _, names in os.walk(SAMPLES) for name in names if ".fits" in name)
keep, mask = [], []
for path in paths:
    with fits.open(os.path.join(SAMPLES, path), memmap=False) as hdus:
        header, data = hdus[0].header, hdus[0].data.astype("f8")
    if "subcont" in header["EXTEN0"].lower():
        wave = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(data.shape[1]))
    else:
        wave = data[2]
    flux, ivar, andmask = data[0], data[1], data[3]
    keep.append(scaled(np.interp(GRID, wave, flux)))
    bad = ~((ivar > 0) & np.isfinite(ivar) & np.isfinite(flux) & (andmask == 0))
    near = (wave > GRID[0] - 20) & (wave < GRID[-1] + 20)
    row = scaled(np.interp(GRID, wave[~bad], flux[~bad])) if (~bad).any() else np.full(len(GRID), np.nan)
    mask.append(np.full(len(GRID), np.nan) if longest_run(bad[near]) > 5 else row)
np.array(keep, "<f4").tofile(os.path.join(HERE, "keep.f32"))
np.array(mask, "<f4").tofile(os.path.join(HERE, "mask.f32"))
with open(os.path.join(HERE, "paths.json"), "w") as handle:
    json.dump(paths, handle, indent=2)
    handle.write("\n")
print(len(paths), "spectra,", int(np.isnan(np.array(mask)[:, 0]).sum()), "with a long gap in the window")
