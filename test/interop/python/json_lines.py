"""The request loop of the client drivers: one JSON request a line on stdin, one JSON answer a line on stdout.

Request: {"id": n, "op": "get", "pv": "name", ...}. Answer: {"id": n, "ok": true, ...} or
{"id": n, "ok": false, "kind": "timeout" | "remote" | "disconnected" | "error", "error": "text"}.
Requests are carried out one after the other; subscriptions collect in the background.
"""

import hashlib
import json
import queue
import sys
import time

from own_lines import say

TIMEOUT = 5.0


class Subscriptions:
    """Queues of monitor events, by the name the test gave them.

    An event is {"event": "update", ...}, {"event": "disconnected"}, {"event": "finished"} or {"event": "error", ...}.
    """

    def __init__(self):
        self.queues = {}
        self.closers = {}

    def add(self, name, close):
        self.close(name)
        self.queues[name] = queue.Queue()
        self.closers[name] = close

    def put(self, name, event):
        self.queues[name].put(event)

    def take(self, name, count, timeout):
        """The next 'count' events. Raises TimeoutError that says how many came instead."""
        deadline = time.monotonic() + timeout
        events = []
        while len(events) < count:
            try:
                events.append(self.queues[name].get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                raise TimeoutError('%d of %d events within %g s: %r' % (len(events), count, timeout, events[-3:])) from None
        return events

    def close(self, name):
        if name in self.closers:
            self.closers.pop(name)()


class Driver:
    """What every client driver does with its subscriptions; how one is begun (`subscribe`) is the peer's own."""

    def __init__(self):
        self.subscriptions = Subscriptions()

    def next(self, request):
        timeout = request.get('timeout', TIMEOUT)
        return {'events': self.subscriptions.take(request['sub'], request['count'], timeout)}

    def unsubscribe(self, request):
        self.subscriptions.close(request['sub'])
        return {}

    def monitor(self, request):
        key = {**request, 'sub': 'monitor %s' % request['id']}
        self.subscribe(key)
        try:
            return self.next(key)
        finally:
            self.unsubscribe(key)


def digest(array):
    """What a number array holds, without printing it."""
    import numpy
    array = numpy.asarray(array)
    little = array.astype(array.dtype.newbyteorder('<'), copy=False)
    return {'dtype': array.dtype.name, 'length': len(array), 'sha256': hashlib.sha256(little.tobytes()).hexdigest()}


def serve(operations, kind_of_error):
    """Answers requests until stdin ends. 'operations': op -> function of the request that returns a dict."""
    say(json.dumps({'id': 0, 'ok': True, 'ops': sorted(operations)}))
    for line in sys.stdin:
        if not line.strip():
            continue
        request = json.loads(line)
        try:
            answer = {'ok': True, **operations[request['op']](request)}
        except Exception as error:
            text = str(error) or type(error).__name__
            answer = {'ok': False, 'kind': kind_of_error(error), 'error': text}
        say(json.dumps({'id': request.get('id'), **answer}))
