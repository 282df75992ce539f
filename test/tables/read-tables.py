"""Prints as JSON what astropy, specutils and pyarrow read of the tables named in argv[1:], by their extension.

A FITS file called `spectrum…` is read by specutils too. Every warning is an error, but those about units that VOUnits
calls deprecated (Angstrom, erg).
"""
import json
import os
import sys
import warnings

warnings.simplefilter("error")
warnings.filterwarnings("ignore", message=".*deprecated in the VOUnit standard.*")


def plain(value):
    value = value.item() if hasattr(value, "item") else value
    return None if value is None or value != value else value


def of_table(table):
    return {
        name: {"unit": str(table[name].unit or ""), "first": plain(table[name][0]), "rows": len(table)}
        for name in table.colnames
    }


def read(path):
    from astropy.table import Table

    if path.endswith(".parquet"):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        units = {column["name"]: column.get("unit", "") for column in json.loads(metadata["columns"])}
        return {
            "software": metadata["software"],
            "columns": {
                name: {"unit": units[name], "first": table[name][0].as_py(), "rows": table.num_rows}
                for name in table.column_names
            },
        }
    if path.endswith(".vot"):
        from astropy.io.votable import parse

        found = parse(path, verify="exception").get_first_table()
        return {"columns": of_table(found.to_table()), "parameters": {p.name: plain(p.value) for p in found.params}}
    if path.endswith(".csv"):
        return {"columns": of_table(Table.read(path, format="ascii.csv"))}
    found = {"columns": of_table(Table.read(path, hdu=1))}
    if os.path.basename(path).startswith("spectrum"):
        from specutils import Spectrum

        spectrum = Spectrum.read(path)
        found["specutils"] = {
            "flux": plain(spectrum.flux[0].value),
            "wave": plain(spectrum.spectral_axis[0].value),
            "unit": str(spectrum.spectral_axis.unit),
            "uncertain": spectrum.uncertainty is not None,
        }
    return found


print(json.dumps({os.path.basename(path): read(path) for path in sys.argv[1:]}))
