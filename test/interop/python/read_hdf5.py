"""Reads HDF5 files with h5py for hdf5.test.ts: a request a line on standard input, as JSON, an answer a line.

{"open": PATH, "swmr": BOOL}  everything in the file; it stays open
{"refresh": true}             the same, as it is now
{"close": true}               closes it
"""
import hashlib
import json
import sys

import h5py
import numpy as np


def plain(value):
    """JSON's own types; text of fixed length without its padding, integers that JSON would round as text."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()] if value.shape else plain(value.item())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, float) and value != value:
        return "nan"
    return value


def attributes(thing):
    return {name: plain(value) for name, value in thing.attrs.items()}


def pixels_or_values(dataset):
    """Of images that are large in all a hash of each."""
    if dataset.size > 10_000 and dataset.ndim > 1:
        return {"hashes": [hashlib.sha256(image.tobytes()).hexdigest() for image in dataset[()]]}
    return {"values": plain(dataset[()])}


def default_plot(file):
    """The way of NeXus from the root to what a viewer shows first."""
    entry = file[plain(file.attrs["default"])]
    data = entry[plain(entry.attrs["default"])]
    axes = plain(data.attrs["axes"])
    return {
        "signal": data[plain(data.attrs["signal"])].name,
        "axes": [axis if axis == "." else data[axis].name for axis in axes],
    }


def content(file):
    groups, datasets = {"/": attributes(file)}, {}

    def visit(name, thing):
        if isinstance(thing, h5py.Group):
            groups["/" + name] = attributes(thing)
            return
        if file.swmr_mode:
            thing.refresh()
        datasets["/" + name] = {
            "shape": thing.shape,
            "dtype": thing.dtype.str,
            "chunks": thing.chunks,
            "maxshape": thing.maxshape,
            "gzip": thing.compression_opts if thing.compression == "gzip" else 0,
            "attributes": attributes(thing),
            **pixels_or_values(thing),
        }

    file.visititems(visit)
    links = {}
    for name in file:
        link = file.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            links["/" + name] = link.path
    return {"groups": groups, "datasets": datasets, "links": links, "plot": default_plot(file)}


file = None
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "open" in request:
            file = h5py.File(request["open"], "r", swmr=request["swmr"])
        if "close" in request:
            file.close()
            answer = {}
        else:
            answer = content(file)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
