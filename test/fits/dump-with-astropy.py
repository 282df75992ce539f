"""Prints what astropy reads of each FITS file given: one JSON line a file. Run by compare-with-astropy.test.ts."""

import hashlib
import json
import os
import sys
import warnings

import numpy as np
from astropy.io import fits

warnings.simplefilter("ignore")


def plain(value):
    """A header value as science/fits/header.ts gives it."""
    if isinstance(value, fits.card.Undefined):
        return None
    if isinstance(value, complex):
        return "complex"
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float)):
        return float(value)
    return str(value)


def cards(header):
    out = []
    for card in header.cards:
        try:
            out.append([card.keyword.upper(), plain(card.value)])
        except fits.VerifyError:
            out.append([card.keyword.upper(), "unparsable"])
    return out


def digest(values):
    """Of float64 little-endian values, every NaN alike."""
    values = np.ascontiguousarray(np.asarray(values), dtype="<f8").copy()
    values[np.isnan(values)] = np.nan
    return [int(values.size), hashlib.sha256(values.tobytes()).hexdigest()]


def data_of(hdu):
    if isinstance(hdu, (fits.PrimaryHDU, fits.ImageHDU)):
        # Scaled in float64: astropy itself takes float32 for integers of 16 bits.
        header = hdu.header
        scale, zero = header.get("BSCALE", 1), header.get("BZERO", 0)
        blank = header.get("BLANK")
        hdu.data
        with fits.open(hdu.fileinfo()["file"].name, memmap=False, do_not_scale_image_data=True) as raw:
            data = raw[hdu.index_in_file].data
            if data is None:
                return None
            values = data.astype("f8").ravel()
            if blank is not None and header["BITPIX"] > 0:
                values[data.ravel() == blank] = np.nan
            return digest(zero + scale * values if (scale, zero) != (1, 0) else values)
    if isinstance(hdu, fits.BinTableHDU):
        out = {}
        for number, column in enumerate(hdu.columns):
            values = hdu.data.field(number)
            if values.dtype.kind in "SU":
                out[f"{number}"] = [str(v).rstrip() for v in np.ravel(values)]
            elif values.dtype.kind == "O":
                out[f"{number}"] = [digest(np.ravel(v)) for v in values]
            elif values.dtype.kind == "c":
                out[f"{number}"] = digest(np.ravel(values).astype("c16").view("f8"))
            else:
                out[f"{number}"] = digest(np.ravel(values))
        return out
    return None


def lamost(path):
    sys.path.insert(0, os.environ["REFERENCE_DIR"])
    import lamost as reference

    try:
        _, wave, flux, ivar = reference.read(path)
    except Exception:  # not LAMOST
        return None
    return [wave.tolist(), digest(flux), digest(ivar)]


for path in sys.argv[1:]:
    line = {"path": path}
    try:
        with fits.open(path, memmap=False, disable_image_compression=True) as file:
            line["hdus"] = []
            for index, hdu in enumerate(file):
                hdu.index_in_file = index
                header = cards(hdu.header)
                try:
                    data = data_of(hdu)
                except Exception as error:
                    data = {"error": repr(error)[:200]}
                line["hdus"].append({"cards": header, "data": data})
    except Exception as error:
        line["error"] = repr(error)[:200]
    line["lamost"] = lamost(path)
    print(json.dumps(line))
