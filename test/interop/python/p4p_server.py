"""A PVXS server (through p4p) with a PV for every pvData type, for the interop tests.

    p4p_server.py PREFIX CATALOGUE [RATE]

Serves PREFIX + name for every entry of the catalogue (a JSON file, see catalogue.ts), puts allowed, and:
    PREFIX + rpc:add      NTURI query with lhs and rhs: NTScalar with their sum
    PREFIX + rpc:echo     gives back its argument as it came
    PREFIX + rpc:void     gives back nothing
    PREFIX + rpc:error    always fails
    PREFIX + rpc:account  NTScalar string with the account the client claims
    PREFIX + counter      NTScalar long, counts at RATE Hz (default 10) from the start on
Prints READY when it serves, ends on SIGINT.
"""

import json
import sys
import threading
import time

from p4p.nt import NTScalar
from p4p.server import Server
from p4p.server.thread import SharedPV

from own_lines import say
from peer_json import make_value


class AcceptPut:
    """Accepts whatever a client puts: exactly the members the client sent change."""

    def put(self, pv, op):
        pv.post(op.value())
        op.done()


class Rpc:
    def __init__(self, answer):
        self.answer = answer

    def rpc(self, pv, op):
        try:
            op.done(self.answer(op.value()))
        except Exception as error:
            op.done(error=str(error))


class Account:
    def rpc(self, pv, op):
        op.done(NTScalar('s').wrap(op.account()))


def add(argument):
    query = argument.query
    return NTScalar('d').wrap(float(query.lhs) + float(query.rhs))


def fail(argument):
    raise RuntimeError('this RPC always fails')


def resolve(spec, types):
    """Puts the named types of a catalogue ('@name') in their places."""
    if isinstance(spec, str):
        return resolve(types[spec[1:]], types) if spec.startswith('@') else spec
    return [spec[0], spec[1], [[name, resolve(member, types)] for name, member in spec[2]]]


def post_counter(pv, rate, stop):
    start = time.monotonic()
    count = 0
    while not stop.wait(max(0, start + (count + 1) / rate - time.monotonic())):
        count += 1
        pv.post(count, timestamp=time.time())


def main():
    prefix, catalogue_file = sys.argv[1:3]
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    with open(catalogue_file, encoding='utf-8') as file:
        catalogue = json.load(file)
    pvs = {}
    for entry in catalogue['pvs']:
        # PVXS cannot assign null to a union or an any, which are null anyway.
        given = {name: member for name, member in entry['value'].items() if member is not None}
        value = make_value(resolve(entry['type'], catalogue['types']), given)
        pvs[prefix + entry['name']] = SharedPV(handler=AcceptPut(), initial=value)
    for name, answer in [('add', add), ('echo', lambda value: value), ('void', lambda value: None), ('error', fail)]:
        pvs[prefix + 'rpc:' + name] = SharedPV(handler=Rpc(answer), nt=NTScalar('d'), initial=0)
    pvs[prefix + 'rpc:account'] = SharedPV(handler=Account(), nt=NTScalar('s'), initial='')
    counter = SharedPV(nt=NTScalar('l'), initial=0)
    pvs[prefix + 'counter'] = counter
    stop = threading.Event()
    with Server(providers=[pvs]):
        threading.Thread(target=post_counter, args=(counter, rate, stop), daemon=True).start()
        say('READY')
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            stop.set()


if __name__ == '__main__':
    main()
