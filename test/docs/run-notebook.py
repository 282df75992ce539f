"""Executes a notebook from its first cell to its last.

usage: run-notebook.py NOTEBOOK.ipynb EXECUTED.ipynb

Writes it with its outputs to EXECUTED.ipynb, without the times of execution. Ends with 1 at the first cell that fails.
"""

import sys

import nbformat
from nbclient import NotebookClient


def main(source, executed):
    notebook = nbformat.read(source, as_version=4)
    NotebookClient(notebook, timeout=180, kernel_name="python3", record_timing=False).execute()
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, executed)


main(*sys.argv[1:])
