"""Prints as JSON what astropy reads of the catalogue argv[1] (.vot or .fits): its columns, values and metadata.

A VOTable is also held against IVOA's schema, where lxml is there: `schema` lists what is wrong.
"""
import json
import os
import sys
import warnings

import numpy as np


def plain(column):
    if hasattr(column, "filled"):
        return [None if value is np.ma.masked or value != value else plain_value(value) for value in column]
    return [None if value != value else plain_value(value) for value in column]


def plain_value(value):
    return value.item() if hasattr(value, "item") else value


def votable(path):
    from astropy.io.votable import parse
    from astropy.io import votable as package

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = parse(path, verify="exception")
    table = document.get_first_table()
    resource = document.resources[0]
    found = {
        "version": document.version,
        "columns": [[f.name, f.datatype, str(f.unit or ""), f.ucd] for f in table.fields],
        "values": {f.name: plain(table.array[f.name]) for f in table.fields},
        "infos": {i.name: i.value for i in resource.infos},
        "groups": [{p.name: plain_value(p.value) for p in g.entries} for g in resource.groups],
    }
    try:
        from lxml import etree
    except ImportError:
        return found
    schema = os.path.join(os.path.dirname(package.__file__), "data", "VOTable.v1.4.xsd")
    checker = etree.XMLSchema(etree.parse(schema))
    checker.validate(etree.parse(path))
    found["schema"] = [str(error) for error in checker.error_log]
    return found


def fits(path):
    from astropy.io import fits as package

    with package.open(path) as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        file.verify("exception")
        header = dict(file[1].header)
        comments = " ".join(header.pop("COMMENT", ""))
        columns = [[c.name, c.format, c.unit or ""] for c in file[1].columns]
    from astropy.table import Table

    table = Table.read(path)
    return {
        "columns": columns,
        "values": {name: plain(table[name]) for name in table.colnames},
        "header": {key: value for key, value in header.items() if isinstance(value, (str, int, float))},
        "comments": comments,
    }


print(json.dumps(votable(sys.argv[1]) if sys.argv[1].endswith(".vot") else fits(sys.argv[1])))
