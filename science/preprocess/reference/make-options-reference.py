"""Makes options.json beside this file: what spectres 2.2.2 and plain numpy make of three sample spectra.

Python 3.11 with numpy, astropy and spectres==2.2.2; run from anywhere: python make-options-reference.py
`flux_conserving`: spectres.spectres of every pixel on a linear and a logarithmic grid; null beyond the data.
`smoothing`: the good pixels, smoothed by the whole Gaussian (no cut) within runs of pixels without more than 5 bad
ones in a row, then numpy.interp. It also times spectres.
"""
import json, os, time
import numpy as np
from astropy.io import fits
from spectres import spectres

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = os.path.join(HERE, "..", "..", "..", "samples", "spectra")
PATHS = json.load(open(os.path.join(HERE, "paths.json")))
GRIDS = {
    "linear": (4000, 8900, 400),
    "halpha": (6519, 6732, 140),
    "beyond": (3600, 9200, 60),
    "log": (4000, 8900, 300),
}
KERNELS = {
    "resolution": {"resolution_from": 1800, "resolution_to": 500},
    "sigma": {"smoothing_sigma": 3.5},
}


def read(path):
    with fits.open(os.path.join(SAMPLES, path), memmap=False) as hdus:
        header, data = hdus[0].header, hdus[0].data.astype("f8")
    if "subcont" in header["EXTEN0"].lower():
        wave = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(data.shape[1]))
    else:
        wave = data[2]
    bad = ~((data[1] > 0) & np.isfinite(data[1]) & np.isfinite(data[0]) & (data[3] == 0))
    return wave, data[0], bad


def grid(name):
    start, end, count = GRIDS[name]
    points = 10 ** np.linspace(np.log10(start), np.log10(end), count) if name == "log" else np.linspace(start, end, count)
    points[0], points[-1] = start, end
    return points


def smoothed(wave, flux, bad, options):
    good = np.flatnonzero(~bad)
    run = np.concatenate([[0], np.cumsum(np.diff(good) > 6)])
    wave, flux = wave[good], flux[good]
    if "smoothing_sigma" in options:
        sigma = np.full(len(wave), options["smoothing_sigma"])
    else:
        fwhm = 2 * np.sqrt(2 * np.log(2))
        sigma = np.sqrt((wave / options["resolution_to"]) ** 2 - (wave / options["resolution_from"]) ** 2) / fwhm
    weights = np.exp(-0.5 * ((wave[None, :] - wave[:, None]) / sigma[:, None]) ** 2)
    weights *= run[None, :] == run[:, None]
    return wave, weights @ flux / weights.sum(axis=1), good, run


def numbers(values):
    return [None if np.isnan(value) else float(f"{value:.9g}") for value in values]


def main():
    chosen = [PATHS[0], PATHS[len(PATHS) // 2], PATHS[-1]]
    result = {"spectra": []}
    seconds = []
    for path in chosen:
        wave, flux, bad = read(path)
        entry = {"path": path, "flux_conserving": {}, "smoothing": {}}
        for name in GRIDS:
            entry["flux_conserving"][name] = numbers(spectres(grid(name), wave, flux, fill=np.nan, verbose=False))
        fine = np.linspace(4000, 8900, 3700)
        began = time.perf_counter()
        for _ in range(5):
            spectres(fine, wave, flux, fill=np.nan, verbose=False)
        seconds.append((time.perf_counter() - began) / 5)
        for name, options in KERNELS.items():
            x, y, good, run = smoothed(wave, flux, bad, options)
            points = grid("linear")
            row = np.interp(points, x, y)
            # Points in a run of more than 5 bad pixels hold what `outside` says, which is not numpy's business.
            after = np.clip(np.searchsorted(x, points, side="right"), 1, len(x) - 1)
            row[run[after] != run[after - 1]] = np.nan
            row[(points < x[0]) | (points > x[-1])] = np.nan
            entry["smoothing"][name] = numbers(row)
        result["spectra"].append(entry)
    result["grids"] = {name: {"from": a, "to": b, "count": c} for name, (a, b, c) in GRIDS.items()}
    result["kernels"] = KERNELS
    with open(os.path.join(HERE, "options.json"), "w") as handle:
        json.dump(result, handle, separators=(",", ":"))
        handle.write("\n")
    print(chosen, f"spectres, 3,700 points: {1e6 * np.mean(seconds):.0f} µs")


main()
