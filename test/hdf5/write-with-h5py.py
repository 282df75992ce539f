"""Writes labelled spectra into the directory argv[1] in the ways that people write them with h5py, one file each."""
import os
import sys

import h5py
import numpy as np

directory = sys.argv[1]
ROWS, POINTS = 6, 4
wave = np.linspace(6519, 6732, POINTS)
fluxes = np.arange(ROWS * POINTS, dtype="f4").reshape(ROWS, POINTS) / 8
names = [f"spec-{i}-Čertík.fits" for i in range(ROWS)]
labels = np.array([0, 1, 2, 0, 1, 2])
text = h5py.string_dtype()


def write(name, file_options={}, **datasets):
    with h5py.File(os.path.join(directory, name + ".h5"), "w", **file_options) as file:
        for key, value in {"wave": wave, "fluxes": fluxes, "filenames": names, "labels": labels, **datasets}.items():
            arguments = value if isinstance(value, dict) else {"data": value}
            file.create_dataset(key, **arguments)


write("plain")
write("float64", fluxes=fluxes.astype("f8"))
write("whole numbers", fluxes={"data": (fluxes * 8).astype("i2")})
write("big-endian", fluxes=fluxes.astype(">f4"), wave=wave.astype(">f8"), labels=labels.astype(">i4"))
write("float32 wave", wave=wave.astype("f4"))
write("channels last", fluxes=fluxes[:, :, None], wave=wave[:, None])
write("gzip", fluxes={"data": fluxes, "chunks": (4, 3), "compression": "gzip", "shuffle": True})
write("checksums", fluxes={"data": fluxes, "chunks": (4, 3), "fletcher32": True})
write("scale-offset", fluxes={"data": (fluxes * 8).astype("i4"), "chunks": (4, 3), "scaleoffset": 0})
write("extendable", fluxes={"data": fluxes, "maxshape": (None, POINTS)}, labels={"data": labels, "maxshape": (None,)})
write("latest format", file_options={"libver": "latest"})
write("user block", file_options={"userblock_size": 1024})
write("lzf", fluxes={"data": fluxes, "chunks": (4, 3), "compression": "lzf"})
write("float16", fluxes=fluxes.astype("f2"))
write("fixed names", filenames=np.array([name.encode() for name in names]))
write("names of one length", filenames={"data": [name.encode() for name in names], "dtype": h5py.string_dtype("utf-8", 32)})
write("column labels", labels=labels[:, None])
write("int8 labels", labels=labels.astype("u1"))
write("truth labels", labels=labels > 0)
write("float labels", labels=np.where(labels == 2, np.nan, labels))
write("text labels", labels={"data": ["a", "b", "", "a", "b", "c"], "dtype": text})
write("fixed text labels", labels=np.array([b"a", b"b", b"", b"a", b"b", b"c"]))
