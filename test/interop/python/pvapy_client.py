"""A pvAccessCPP client (through pvapy) that does what it is told on stdin; see json_lines.py for the protocol.

    get, put, info, rpc, monitor, subscribe, next, unsubscribe    as p4p_client.py, with pvData request strings
    digest, fill, watch_digest    as p4p_client.py
    {"op": "put_get", "pv": name, "value": text, "request": "putField(value)getField(value)"}    -> type, value

A put reads everything, changes the members given and writes everything. Events of a subscription are updates only: with
a connection callback set, pvapy ends Python now and then ("must be called with the GIL held").

Types and values are written as peer_json.py says, with what pvapy can tell: only the type id of the whole, none of its
parts (they are null), and no marks of what changed. pvapy cannot put a negative scalar 'byte' inside a union or an any.
"""

import json

import pvaccess

from json_lines import TIMEOUT, Driver, digest, serve
from scalar_json import DTYPES, from_scalar

LETTERS = {'BOOLEAN': '?', 'BYTE': 'b', 'UBYTE': 'B', 'SHORT': 'h', 'USHORT': 'H', 'INT': 'i', 'UINT': 'I',
           'LONG': 'l', 'ULONG': 'L', 'FLOAT': 'f', 'DOUBLE': 'd', 'STRING': 's'}
TYPES = {letter: getattr(pvaccess, name) for name, letter in LETTERS.items()}


def from_type(kind, type_id=None):
    """pvapy's description of a type (ScalarType, dict, [element], (members,), ()) in p4p's letters."""
    if isinstance(kind, dict):
        return ['S', type_id, [[name, from_type(member)] for name, member in kind.items()]]
    if isinstance(kind, tuple):
        return ['U', None, [[name, from_type(member)] for name, member in kind[0].items()]] if kind else 'v'
    if isinstance(kind, list):
        element = from_type(kind[0])
        return 'a' + element if isinstance(element, str) else ['a' + element[0], *element[1:]]
    return LETTERS[str(kind).rsplit('.', maxsplit=1)[-1]]


def to_type(spec):
    """The reverse of from_type."""
    kind = spec if isinstance(spec, str) else spec[0]
    if kind == 'v':
        return ()
    if kind[0] == 'a':
        return [to_type(kind[1:] if isinstance(spec, str) else [kind[1:], *spec[1:]])]
    if isinstance(spec, str):
        return TYPES[spec]
    fields = {name: to_type(member) for name, member in spec[2]}
    return fields if kind == 'S' else (fields,)


def encode(pv):
    spec = from_type(pv.getStructureDict(), type_id_of(pv))
    # pvapy cannot read a negative scalar byte; pvData's own JSON can show it (but no NaN, so only when it must).
    plain = json.loads(pv.toJSON(False)) if has_scalar_byte(spec) else None
    return {'type': spec, 'value': from_struct(pv, '', spec, plain)}


def has_scalar_byte(spec):
    return spec == 'b' or spec[0] == 'S' and any(has_scalar_byte(member) for _, member in spec[2])


def type_id_of(pv):
    # The first word of the printed form; pvapy has no other way to the id.
    return str(pv).split('\n', maxsplit=1)[0].strip() or 'structure'


def from_struct(pv, path, spec, plain):
    """JSON of the structure at a path that is '' or ends in a dot. 'plain': pvData's JSON of it, if it was needed."""
    result = {}
    for name, member in spec[2]:
        member_plain = None if plain is None else plain[name]
        if member == 'b':
            result[name] = member_plain
        elif member[0] == 'S':
            result[name] = from_struct(pv, '%s%s.' % (path, name), member, member_plain)
        else:
            result[name] = from_python(member, pv[path + name])
    return result


def from_python(spec, value):
    kind = spec if isinstance(spec, str) else spec[0]
    if kind == 'v':
        contents, types = value
        return {'type': from_type(types['value']), 'value': from_python(from_type(types['value']), contents['value'])} if contents else None
    if kind == 'U':
        contents, types = value
        for name, member in contents.items():
            return {'selected': name, 'value': from_python(from_type(types[name]), member)}
        return None
    if kind == 'S':
        return {name: from_python(member, value[name]) for name, member in spec[2]}
    if kind[0] == 'a':
        element = kind[1:] if isinstance(spec, str) else [kind[1:], *spec[1:]]
        return [from_python(element, item) for item in value]
    # pvapy gives a byte as a character.
    return from_scalar(kind, ord(value) if kind != 's' and isinstance(value, str) else value)


def leaves(spec, value, path=''):
    """Path, type and JSON of each member given, down to what is no structure."""
    types = dict((name, member) for name, member in spec[2])
    for name, member in value.items():
        if types[name][0] == 'S':
            yield from leaves(types[name], member, '%s%s.' % (path, name))
        else:
            yield path + name, types[name], member


def to_python(spec, value):
    kind = spec if isinstance(spec, str) else spec[0]
    if kind == 'v':
        contents_type = value['type']
        return ({'value': to_python(contents_type, value['value'])}, {'value': to_type(contents_type)})
    if kind in ('S', 'U'):
        types = dict((name, member) for name, member in spec[2])
        if kind == 'U':
            return {value['selected']: to_python(types[value['selected']], value['value'])}
        return {name: to_python(types[name], member) for name, member in value.items()}
    if kind == 'ab':
        import numpy
        return numpy.array([int(item) for item in value], dtype='i1')
    if kind[0] == 'a':
        element = kind[1:] if isinstance(spec, str) else [kind[1:], *spec[1:]]
        return [to_python(element, item) for item in value]
    if kind == '?':
        return bool(value)
    if kind == 's':
        return str(value)
    if kind == 'b':
        return chr(int(value))
    return float(value) if kind in 'fd' else int(value)


class Client(Driver):
    def __init__(self):
        super().__init__()
        self.channels = {}
        self.monitored = []
        # pvapy's receiving thread drops its reference to a callback without the GIL: were it the last one, because the
        # channel has a new callback by then, Python would end.
        self.callbacks = []

    def channel(self, request):
        channel = self.channels.setdefault(request['pv'], None) or pvaccess.Channel(request['pv'])
        self.channels[request['pv']] = channel
        channel.setTimeout(request.get('timeout', TIMEOUT))
        return channel

    def get(self, request):
        return encode(self.channel(request).get(request.get('request', 'field()')))

    def info(self, request):
        return {'type': from_type(self.channel(request).getIntrospectionDict())}

    def put(self, request):
        channel = self.channel(request)
        value = request['value']
        if not isinstance(value, dict):
            value = {'value': value}
        given = list(leaves(from_type(channel.getIntrospectionDict()), value))
        request = request.get('request', 'field()')
        if len(given) == 1 and given[0][1] == 'b':
            # pvapy takes a byte as a character, which it cannot do for a negative one.
            channel.parsePut([json.dumps(value)], request, True)
            return {}
        # Into what was read: pvapy always writes the whole, and an object made anew has no type ids, which aborts
        # pvAccessCPP for a structure in a union.
        pv = channel.get('field()')
        for path, spec, member in given:
            pv[path] = to_python(spec, member)
        channel.put(pv, request)
        return {}

    def put_get(self, request):
        return encode(self.channel(request).putGet(request['value'], request['request']))

    def rpc(self, request):
        if 'argument' in request:
            argument = pvaccess.PvObject(to_type(request['argument']['type']),
                                         to_python(request['argument']['type'], request['argument']['value']),
                                         request['argument']['type'][1] or 'structure')
        else:
            args = request.get('args', {})
            types = {'scheme': pvaccess.STRING, 'path': pvaccess.STRING}
            values = {'scheme': 'pva', 'path': request['pv']}
            if args:
                # pvapy cannot make an empty structure; an NTURI may do without a query.
                types['query'] = {name: to_type(arg['type']) for name, arg in args.items()}
                values['query'] = {name: to_python(arg['type'], arg['value']) for name, arg in args.items()}
            argument = pvaccess.PvObject(types, values, 'epics:nt/NTURI:1.0')
        result = pvaccess.RpcClient(request['pv']).invoke(argument, float(request.get('timeout', TIMEOUT)))
        return encode(result)

    def subscribe(self, request):
        name = request['sub']
        # One monitor a channel is all pvapy offers, and a new channel takes it a quarter of a second.
        channel = self.channel(request)
        if channel in self.monitored:
            channel = pvaccess.Channel(request['pv'])
        self.monitored.append(channel)

        def on_update(pv):
            self.subscriptions.put(name, {'event': 'update', **encode(pv)})

        def close():
            channel.stopMonitor()
            self.monitored.remove(channel)

        self.subscriptions.add(name, close)
        self.callbacks.append(on_update)
        channel.monitor(on_update, request.get('request', 'field()'))
        return {}

    def digest(self, request):
        return digest(self.channel(request).get('field(value)')['value'])

    def fill(self, request):
        import numpy
        channel = self.channel(request)
        pv = channel.get('field(value)')
        spec = from_type(channel.getIntrospectionDict())
        kind = dict((name, member) for name, member in spec[2])['value']
        pv['value'] = (numpy.arange(request['length']) % 251).astype(DTYPES[kind[1]])
        channel.put(pv, 'field(value)')
        return {}

    def watch_digest(self, request):
        name = request['sub']
        channel = pvaccess.Channel(request['pv'])

        def on_update(pv):
            self.subscriptions.put(name, {'event': 'digest', **digest(pv['value'])})

        self.subscriptions.add(name, channel.stopMonitor)
        self.callbacks.append(on_update)
        channel.monitor(on_update, request.get('request', 'field(value)'))
        return {}


def kind_of_error(error):
    # pvapy raises the same exception for what the server answered and for what it found wrong itself.
    return 'timeout' if isinstance(error, TimeoutError) or 'timed out' in str(error) else 'error'


if __name__ == '__main__':
    client = Client()
    names = ['get', 'info', 'put', 'put_get', 'rpc', 'monitor', 'subscribe', 'next', 'unsubscribe', 'digest', 'fill',
             'watch_digest']
    serve({name: getattr(client, name) for name in names}, kind_of_error)
