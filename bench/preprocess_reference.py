"""What a script does instead: astropy reads each file, numpy interpolates to a uniform grid and scales to [-1, 1], one HDF5.

python preprocess_reference.py DIRECTORY OUT.h5 START_ANGSTROM END_ANGSTROM POINTS
"""
import json, os, platform, resource, sys, time
import astropy, h5py, numpy as np
from astropy.io import fits


def read(path):
    """Wavelength [Angstrom, vacuum] and flux of a LAMOST low-resolution spectrum, whatever its layout."""
    with fits.open(path, memmap=False) as hdus:
        header = hdus[0].header
        if hdus[0].data is not None and hdus[0].data.ndim == 2:
            rows = hdus[0].data.astype("f8")
            if "subcont" in str(header.get("EXTEN0", "")).lower():
                return 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(rows.shape[1])), rows[0]
            return rows[2], rows[0]
        table = hdus["COADD"].data
        wave = table["WAVELENGTH"][0] if "WAVELENGTH" in table.names else 10 ** table["LOGLAM"]
        flux = table["FLUX"]
        return np.asarray(wave, "f8"), np.asarray(flux[0] if flux.ndim == 2 else flux, "f8")


if sys.argv[1:] == ["--versions"]:
    versions = {"python": platform.python_version(), "astropy": astropy.__version__}
    print(json.dumps({**versions, "numpy": np.__version__, "h5py": h5py.__version__}))
    sys.exit()
directory, out, start, end, points = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
began = time.perf_counter()
grid = np.linspace(start, end, points)
names, fluxes, failed = [], [], 0
for name in sorted(os.listdir(directory)):
    try:
        row = np.interp(grid, *read(os.path.join(directory, name)))
    except Exception as error:
        failed += 1
        print("failed", name, repr(error), file=sys.stderr)
        continue
    low, high = row.min(), row.max()
    fluxes.append(2 * (row - low) / (high - low) - 1 if high > low else np.zeros(points))
    names.append(name)
with h5py.File(out, "w") as h5:
    h5.create_dataset("filenames", data=names, dtype=h5py.string_dtype("utf-8"))
    h5.create_dataset("fluxes", data=np.array(fluxes, "f4"))
    h5.create_dataset("wave", data=grid)
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"rows": len(names), "failed": failed, "seconds": seconds, "peakBytes": peak}))
