"""Serves tiles as PvaPy's splitAdImageProcessorExample.py makes them, on the channel given: four of each 16-bit image.

A line on stdin publishes one image, with the number on it as id; pixel i of image n is (1000 * n + i). Ends with stdin.
"""
import sys

import numpy
import pvaccess as pva
from pvapy.utility.adImageUtility import AdImageUtility

from own_lines import say

NX, NY = 6, 4
PLACE = {'tileIndexX': pva.INT, 'tileIndexY': pva.INT}

server = pva.PvaServer()
server.addRecord(sys.argv[1], pva.NtNdArray(PLACE), None)
say('READY')
for line in sys.stdin:
    frame = int(line)
    image = (numpy.arange(NX * NY) + 1000 * frame).astype('uint16').reshape(NY, NX)
    tiles = image.reshape(2, NY // 2, 2, NX // 2).swapaxes(1, 2)
    for row in range(2):
        for column in range(2):
            place = pva.PvObject(PLACE, {'tileIndexX': row, 'tileIndexY': column})
            tile = AdImageUtility.generateNtNdArray2D(frame, tiles[row, column], extraFieldsPvObject=place)
            server.update(sys.argv[1], tile)
