"""Writes a file with h5py for hdf5.test.ts: write_growing.py PATH, and on standard output the names of its datasets.

Each has 40 images of 4 x 6 pixels of uint16, a chunk an image, that are frame * 100 + the pixel's number, and may grow in
its own way. Their filter is LZ4, which h5py does not bring: the chunks are stored past it, as its filter mask says.
"""
import sys

import h5py
import numpy as np

LZ4 = 32004
FRAMES, NY, NX = 40, 4, 6
PAST = 1

with h5py.File(sys.argv[1], "w", libver=("v110", "v110")) as file:
    for maxshape in [(None, 8, 18), (FRAMES, None, NX), (64, None, 18), (FRAMES, NY, None), (64, 10, None),
                     (FRAMES, 2**64 - 1, NX), (64, 10, 18), (None, None, None)]:
        name = "by_" + "_".join(str(size) for size in maxshape)
        unlimited = tuple(h5py.h5s.UNLIMITED if size is None else size for size in maxshape)
        space = h5py.h5s.create_simple((FRAMES, NY, NX), unlimited)
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((1, NY, NX))
        creation.set_filter(LZ4, h5py.h5z.FLAG_OPTIONAL, (0,))
        dataset = h5py.h5d.create(file.id, name.encode(), h5py.h5t.STD_U16LE, space, creation)
        for frame in range(FRAMES):
            pixels = frame * 100 + np.arange(NY * NX, dtype="<u2")
            dataset.write_direct_chunk((frame, 0, 0), pixels.tobytes(), filter_mask=PAST)
        print(name)
