"""A pvAccessCPP server with pvDatabase (through pvapy), for the interop tests.

    pvapy_server.py PREFIX CATALOGUE [RATE]

Serves PREFIX + name for every entry of the catalogue that pvapy can make (see catalogue.ts), puts allowed, and:
    PREFIX + rpc:add      NTURI query with lhs and rhs: NTScalar with their sum
    PREFIX + rpc:echo     gives back its argument as it came
    PREFIX + rpc:error    always fails
    PREFIX + counter      structure with long value and time stamp, counts at RATE Hz (default 10) from the start on
    PREFIX + image        NTNDArray of pvapy: 300 x 300 ubyte, every pixel and uniqueId count with it
Prints READY when it serves, ends with its standard input or on SIGINT.

pvapy can give no type id but that of the whole. Null elements of arrays, which it cannot make, are left out, and a
negative scalar byte starts as 0.
"""

import json
import sys
import threading
import time

import numpy
import pvaccess

from own_lines import say
from peer_json import members
from pvapy_client import to_python, to_type


def resolve(spec, types):
    """Puts the named types of a catalogue ('@name') in their places."""
    if isinstance(spec, str):
        return resolve(types[spec[1:]], types) if spec.startswith('@') else spec
    return [spec[0], spec[1], [[name, resolve(member, types)] for name, member in spec[2]]]


def make(spec, value):
    pv = pvaccess.PvObject(to_type(spec), spec[1] or 'structure')
    fill(pv, spec, value, '')
    return pv


def fill(pv, spec, value, path):
    for name, member in value.items():
        kind = members(spec)[name]
        if kind[0] == 'S':
            fill(pv, kind, member, '%s%s.' % (path, name))
        elif kind[0] in ('aS', 'aU'):
            pv[path + name] = to_python(kind, [element for element in member if element is not None])
        elif member is not None and not (kind == 'b' and member < 0):
            pv[path + name] = to_python(kind, member)


def make_counter():
    return pvaccess.PvObject({'value': pvaccess.LONG, 'timeStamp': pvaccess.PvTimeStamp(0.0)})


def make_image():
    image = pvaccess.NtNdArray()
    image['dimension'] = [{'size': 300, 'offset': 0, 'fullSize': 300, 'binning': 1, 'reverse': False}] * 2
    return image


def update(server, prefix, rate, stop):
    start = time.monotonic()
    count = 0
    counter = make_counter()
    image = make_image()
    while not stop.wait(max(0, start + (count + 1) / rate - time.monotonic())):
        count += 1
        counter['value'] = count
        counter['timeStamp'] = pvaccess.PvTimeStamp(time.time())
        server.update(prefix + 'counter', counter)
        image['uniqueId'] = count
        image['value'] = {'ubyteValue': numpy.full(300 * 300, count % 256, dtype='u1')}
        image['timeStamp'] = pvaccess.PvTimeStamp(time.time())
        server.update(prefix + 'image', image)


def add(argument):
    return pvaccess.NtScalar(pvaccess.DOUBLE, float(argument['query.lhs']) + float(argument['query.rhs']))


def fail(argument):
    raise RuntimeError('this RPC always fails')


def main():
    prefix, catalogue_file = sys.argv[1:3]
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    with open(catalogue_file, encoding='utf-8') as file:
        catalogue = json.load(file)
    server = pvaccess.PvaServer()
    for entry in catalogue['pvs']:
        server.addRecord(prefix + entry['name'], make(resolve(entry['type'], catalogue['types']), entry['value']))
    server.addRecord(prefix + 'counter', make_counter())
    server.addRecord(prefix + 'image', make_image())
    rpc = pvaccess.RpcServer()
    for name, service in [('add', add), ('echo', lambda argument: argument), ('error', fail)]:
        rpc.registerService(prefix + 'rpc:' + name, service)
    rpc.startListener()
    stop = threading.Event()
    threading.Thread(target=update, args=(server, prefix, rate, stop), daemon=True).start()
    say('READY')
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        pass
    stop.set()


if __name__ == '__main__':
    main()
