"""A p4p (PVXS) server of small PVs for the benchmark, see bench/small-pvs/serve.ts.

    small_pvs_server.py PREFIX COUNT

Structures are posted as they are, without p4p's conversion of Python values: the fastest way p4p has.
"""

import json
import sys
import time

from p4p import Value
from p4p.nt import NTScalar
from p4p.server import Server
from p4p.server.raw import SharedPV

MOST_AT_ONCE = 1000


def post(served, rate, seconds):
    total = round(rate * seconds)
    posted = [0] * len(served)
    start = time.monotonic()
    done = 0
    index = 0
    while done < total:
        due = min(total, int((time.monotonic() - start) * rate), done + MOST_AT_ONCE)
        while done < due:
            pv, update, count = served[index]
            now = time.time()
            count[0] += 1
            update['value'] = count[0]
            update['timeStamp.secondsPastEpoch'] = int(now)
            update['timeStamp.nanoseconds'] = int((now % 1) * 1e9)
            pv.post(update)
            done += 1
            index = index + 1 if index + 1 < len(served) else 0
        time.sleep(0.001)
    elapsed = time.monotonic() - start
    print('POSTED ' + json.dumps({'posted': done, 'seconds': elapsed}), flush=True)


def main():
    prefix, count = sys.argv[1], int(sys.argv[2])
    scalar = NTScalar.buildType('d')
    served = []
    provider = {}
    for index in range(count):
        pv = SharedPV(initial=Value(scalar, {'value': 0}))
        provider[prefix + str(index)] = pv
        served.append((pv, Value(scalar), [0]))
    with Server(providers=[provider]):
        print('READY', flush=True)
        for line in sys.stdin:
            words = line.split()
            if words and words[0] == 'post':
                post(served, float(words[1]), float(words[2]))


if __name__ == '__main__':
    main()
