"""A p4p (PVXS) client of small PVs for the benchmark, see bench/small-pvs/watch.ts.

    small_pvs_client.py PREFIX COUNT REQUEST

Structures are taken as they come, without p4p's conversion to Python values: the fastest way p4p has.
"""

import json
import sys
import threading
import time

from p4p.client.thread import Context


class Counters:
    def __init__(self, count):
        self.lock = threading.Lock()
        self.count = count
        self.last = [None] * count
        self.connected = 0
        self.reset()

    def reset(self):
        with self.lock:
            self.received = 0
            self.gaps = 0

    def accept(self, index, value):
        with self.lock:
            before = self.last[index]
            self.last[index] = value
            if before is None:
                self.connected += 1
                if self.connected == self.count:
                    print('CONNECTED', flush=True)
                return
            self.received += 1
            self.gaps += value - before - 1


def get(context, name, times):
    took = []
    for _ in range(times):
        start = time.perf_counter()
        context.get(name)
        took.append((time.perf_counter() - start) * 1e6)
    took.sort()
    p50, p99 = (took[int(share * (times - 1))] for share in (0.5, 0.99))
    print('GOT ' + json.dumps({'count': times, 'p50': p50, 'p99': p99}), flush=True)


def main():
    prefix, count = sys.argv[1], int(sys.argv[2])
    request = sys.argv[3] if len(sys.argv) > 3 and sys.argv[3] else None
    context = Context('pva', nt=False)
    counters = Counters(count)
    subscriptions = [
        context.monitor(prefix + str(index), lambda update, index=index: counters.accept(index, update['value']),
                        request=request)
        for index in range(count)
    ]
    for line in sys.stdin:
        words = line.split()
        if not words:
            continue
        if words[0] == 'get':
            get(context, prefix + '0', int(words[1]))
        elif words[0] == 'reset':
            counters.reset()
            print('RESET', flush=True)
        elif words[0] == 'report':
            report = {'received': counters.received, 'gaps': int(counters.gaps), 'overruns': 0}
            print('REPORT ' + json.dumps(report), flush=True)
    for subscription in subscriptions:
        subscription.close()
    context.close()


if __name__ == '__main__':
    main()
