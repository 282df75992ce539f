"""Unpacks from a wheel what the binding needs: TensorFlow's two libraries, its C headers, NVIDIA's libraries.

python3 unpack-wheel.py WHEEL DIRECTORY
"""

import os
import re
import shutil
import sys
import zipfile

RULES = [
    (r"tensorflow/(libtensorflow_(?:cc|framework)\.so\.2)$", r"lib/\1"),
    (r"tensorflow/(include/(?:tensorflow|tsl|xla)/c/.*\.h)$", r"\1"),
    (r"tensorflow/(include/.*/platform/ctstring.*\.h)$", r"\1"),
    # Beside lib/, where the libraries look for them ($ORIGIN/../nvidia/…); cuda_nvcc holds ptxas and libdevice.
    (r"(nvidia/(?:[^/]+/lib|cuda_nvcc)/.*[^/])$", r"\1"),
]

wheel, directory = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        target = next((re.sub(p, t, name) for p, t in RULES if re.match(p, name)), None)
        if target is None:
            continue
        path = os.path.join(directory, *target.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(name) as source, open(path, "wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        os.chmod(path, 0o755 if "/bin/" in target else 0o644)
