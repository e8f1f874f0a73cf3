"""Scalars as JSON, as peer_json.py describes them, for the drivers of both peers. Kinds are p4p's letters."""

import math

DTYPES = {'?': '?', 'b': 'i1', 'B': 'u1', 'h': 'i2', 'H': 'u2', 'i': 'i4', 'I': 'u4', 'l': 'i8', 'L': 'u8',
          'f': 'f4', 'd': 'f8'}


def from_scalar(letter, value):
    if letter == '?':
        return bool(value)
    if letter == 's':
        return str(value)
    if letter in 'lL':
        return str(int(value))
    if letter in 'fd':
        return from_float(float(value))
    return int(value)


def from_float(value):
    if math.isnan(value):
        return 'NaN'
    if math.isinf(value):
        return 'Infinity' if value > 0 else '-Infinity'
    return '-0' if value == 0 and math.copysign(1, value) < 0 else value
