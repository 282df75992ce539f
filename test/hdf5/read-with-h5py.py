"""Prints as JSON what h5py reads of the HDF5 file argv[1]: its attributes, and each dataset's type, shape and values."""
import json
import sys

import h5py


def plain(value):
    """JSON has no NaN."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if value != value else value


found = {}


def read(name, dataset):
    if isinstance(dataset, h5py.Dataset):
        is_text = h5py.check_string_dtype(dataset.dtype) is not None
        values = (dataset.asstr() if is_text else dataset)[:]
        kind = "text" if is_text else dataset.dtype.str
        found[name] = {"type": kind, "shape": dataset.shape, "values": plain(values.ravel().tolist())}


with h5py.File(sys.argv[1]) as file:
    file.visititems(read)
    print(json.dumps({"attributes": dict(file.attrs), "datasets": found}))
