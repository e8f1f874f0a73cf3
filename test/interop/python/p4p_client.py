"""A PVXS client (through p4p) that does what it is told on stdin; see json_lines.py and peer_json.py.

    {"op": "get", "pv": name, "request": "field(value)", "timeout": seconds}   -> type, value, changed
    {"op": "put", "pv": name, "value": json, "request": ..., "get": false}     a top-level value that is no structure goes to the member 'value'
    {"op": "info", "pv": name}                                                  -> type
    {"op": "rpc", "pv": name, "args": {"name": {"type": t, "value": json}}}     argument is an NTURI with that query
    {"op": "rpc", "pv": name, "argument": {"type": structure, "value": json}}   any other argument
    {"op": "monitor", "pv": name, "count": n, "request": ...}                   -> events
    {"op": "subscribe", "pv": name, "sub": key, "request": ...}
    {"op": "next", "sub": key, "count": n, "timeout": seconds}                  -> events
    {"op": "unsubscribe", "sub": key}
    {"op": "digest", "pv": name}                                                -> dtype, length, sha256 of the member 'value'
    {"op": "fill", "pv": name, "length": n}                                     puts elements i % 251 to the member 'value'
    {"op": "watch_digest", "pv": name, "sub": key}                              a subscription whose events are digests
"""

import numpy
from p4p.client.thread import Cancelled, Context, Disconnected, Finished, RemoteError

from json_lines import TIMEOUT, Driver, digest, serve
from peer_json import from_value, make_value, to_python


def encode(value):
    return {**from_value(value), 'changed': sorted(value.changedSet(expand=False, parents=False))}


def encode_event(event):
    # Finished is a kind of Disconnected.
    if isinstance(event, Finished):
        return {'event': 'finished'}
    if isinstance(event, Disconnected):
        return {'event': 'disconnected'}
    if isinstance(event, Exception):
        return {'event': 'error', 'error': str(event)}
    return {'event': 'update', **encode(event)}


class Client(Driver):
    def __init__(self):
        super().__init__()
        self.context = Context('pva', nt=False)

    def get(self, request):
        value = self.context.get(request['pv'], request=request.get('request'), timeout=request.get('timeout', TIMEOUT))
        return encode(value)

    def info(self, request):
        # p4p offers no GET_FIELD; PVXS's type of a get is the full type all the same.
        return {'type': self.get(request)['type']}

    def put(self, request):
        json_value = request['value']

        def build(value):
            spec = value.type().aspy()
            is_structure = isinstance(json_value, dict)
            for name, member in to_python(spec, json_value if is_structure else {'value': json_value}).items():
                value[name] = member

        self.context.put(request['pv'], build, request=request.get('request'), get=request.get('get', True),
                         timeout=request.get('timeout', TIMEOUT))
        return {}

    def rpc(self, request):
        if 'argument' in request:
            argument = make_value(request['argument']['type'], request['argument']['value'])
        else:
            args = request.get('args', {})
            query = ['S', None, [[name, arg['type']] for name, arg in args.items()]]
            spec = ['S', 'epics:nt/NTURI:1.0', [['scheme', 's'], ['authority', 's'], ['path', 's'], ['query', query]]]
            argument = make_value(spec, {
                'scheme': 'pva', 'path': request['pv'], 'query': {name: arg['value'] for name, arg in args.items()},
            })
        result = self.context.rpc(request['pv'], argument, request=request.get('request'),
                                  timeout=request.get('timeout', TIMEOUT))
        return {'type': None, 'value': None} if result is None else from_value(result)

    def subscribe(self, request):
        name = request['sub']
        # p4p says "disconnected" once before it has even searched: no event of the channel's.
        seen = []

        def on_event(event):
            if seen or not isinstance(event, Disconnected):
                self.subscriptions.put(name, encode_event(event))
            seen.append(True)

        self.subscriptions.add(name, lambda: subscription.close())
        subscription = self.context.monitor(request['pv'], on_event, request=request.get('request'),
                                            notify_disconnect=True)
        return {}

    def digest(self, request):
        value = self.context.get(request['pv'], request=request.get('request'), timeout=request.get('timeout', TIMEOUT))
        return digest(value['value'])

    def fill(self, request):
        def build(value):
            value['value'] = numpy.arange(request['length']) % 251

        self.context.put(request['pv'], build, get=False, timeout=request.get('timeout', TIMEOUT))
        return {}

    def watch_digest(self, request):
        name = request['sub']

        def on_event(event):
            if not isinstance(event, Exception):
                self.subscriptions.put(name, {'event': 'digest', **digest(event['value'])})

        self.subscriptions.add(name, lambda: subscription.close())
        subscription = self.context.monitor(request['pv'], on_event, request=request.get('request'))
        return {}


def kind_of_error(error):
    if isinstance(error, TimeoutError):
        return 'timeout'
    if isinstance(error, RemoteError):
        return 'remote'
    return 'disconnected' if isinstance(error, (Disconnected, Cancelled)) else 'error'


if __name__ == '__main__':
    client = Client()
    names = ['get', 'info', 'put', 'rpc', 'monitor', 'subscribe', 'next', 'unsubscribe', 'digest', 'fill', 'watch_digest']
    serve({name: getattr(client, name) for name in names}, kind_of_error)
    client.context.close()
