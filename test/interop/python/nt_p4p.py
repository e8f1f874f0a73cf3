"""p4p's normative types (p4p.nt), both roles, for the interop tests; see json_lines.py for the protocol.

    {"op": "types"}                                     -> types that p4p.nt builds, by name
    {"op": "offer", "prefix": p}                        serves values that p4p.nt wraps: scalar, array, enum, table, image, multi
    {"op": "serve", "pv": name, "type": t, "value": v}  serves any other value, as peer_json.py writes it
    {"op": "unwrap", "pv": name}                        -> what p4p.nt makes of a PV
"""

import numpy
from p4p import Value
from p4p.client.thread import Context
from p4p.nt import NTEnum, NTMultiChannel, NTNDArray, NTScalar, NTTable, NTURI
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

from json_lines import TIMEOUT, serve
from p4p_client import kind_of_error
from peer_json import from_spec, make_value

META = {'display': True, 'control': True, 'valueAlarm': True}
COLUMNS = [('a', 'i'), ('b', 's'), ('c', 'd')]
SECONDS = 1700000000


def types(request):
    built = {
        'scalar': NTScalar.buildType('d'),
        'array': NTScalar.buildType('aH'),
        'text': NTScalar.buildType('s', display=True),
        'control': NTScalar.buildType('i', control=True, valueAlarm=True),
        'enum': NTEnum.buildType(),
        'table': NTTable.buildType([(name, 'a' + kind) for name, kind in COLUMNS]),
        'multi': NTMultiChannel.buildType('av'),
        'image': NTNDArray.buildType(),
        'uri': NTURI.buildType([('x', 'd'), ('name', 's')]),
    }
    return {'types': {name: from_spec(kind.aspy()) for name, kind in built.items()}}


class Peer:
    def __init__(self):
        self.provider = StaticProvider('nt')
        self.server = Server(providers=[self.provider])
        self.context = Context('pva')

    def offer(self, request):
        prefix = request['prefix']
        multi = Value(NTMultiChannel.buildType('av'), {
            'value': [1.5, 'text'], 'channelName': ['a', 'b'], 'severity': [0, 2], 'status': [0, 1],
            'message': ['', 'hot'], 'secondsPastEpoch': [SECONDS, SECONDS + 1], 'nanoseconds': [0, 5],
            'userTag': [0, 6], 'isConnected': [True, False],
        })
        rows = [{'a': 1, 'b': 'one', 'c': 1.5}, {'a': 2, 'b': 'two', 'c': 2.5}]
        offered = {
            'scalar': NTScalar('d', form=True, **META).wrap(
                {'value': 3.25, 'display': {'units': 'mm', 'precision': 2, 'limitHigh': 10.0, 'form.index': 4}},
                timestamp=(SECONDS, 5), severity=2, message='hot'),
            'array': NTScalar('aH').wrap(numpy.array([1, 65535], dtype='u2'), timestamp=(SECONDS, 5)),
            'enum': NTEnum().wrap(1, choices=['Open', 'Closed'], timestamp=(SECONDS, 5)),
            'table': NTTable(COLUMNS).wrap(rows, timestamp=(SECONDS, 5)),
            'image': NTNDArray().wrap(numpy.arange(6, dtype='u2').reshape(2, 3), timestamp=(SECONDS, 5)),
            'multi': multi,
        }
        for name, value in offered.items():
            self.add(prefix + name, value)
        return {}

    def serve(self, request):
        self.add(request['pv'], make_value(request['type'], request['value']))
        return {}

    def add(self, name, value):
        self.provider.add(name, SharedPV(initial=value))

    def unwrap(self, request):
        value = self.context.get(request['pv'], timeout=request.get('timeout', TIMEOUT))
        return {'result': show(value)}


def show(value):
    kind = type(value).__name__
    if isinstance(value, Value):
        # p4p has a class for tables but does not unwrap them unasked; for the other types it has none.
        if value.getID() == 'epics:nt/NTTable:1.0':
            return {'kind': 'table', 'labels': list(value.labels), 'rows': [plain(row) for row in NTTable.unwrap(value)]}
        return {'kind': value.getID()}
    common = {'kind': kind, 'severity': value.severity, 'stamp': list(value.raw_stamp)}
    if kind == 'ntenum':
        return {**common, 'value': int(value), 'choice': value.choice}
    if kind == 'ntndarray':
        return {**common, 'shape': list(value.shape), 'dtype': value.dtype.name, 'value': value.tolist(),
                'attrib': {name: plain(attribute) for name, attribute in value.attrib.items()}}
    return {**common, 'value': value.tolist() if isinstance(value, numpy.ndarray) else plain(value)}


def plain(value):
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(element) for element in value]
    if isinstance(value, numpy.generic):
        return value.item()
    for kind in (float, str, int):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


if __name__ == '__main__':
    peer = Peer()
    serve({'types': types, 'offer': peer.offer, 'serve': peer.serve, 'unwrap': peer.unwrap}, kind_of_error)
    peer.context.close()
    peer.server.stop()
