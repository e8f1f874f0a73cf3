"""A PvaPy processor that measures how long frames take from their time stamp to the processor, and passes them on.

PvaPy's simulator takes the time stamp just before it publishes a frame. At the stop it prints one line:
    LATENCY {"frames": n, "p50": us, "p99": us}
The image that a channel holds before the first frame, with id 0, is not measured.
With the first frame it prints FIRST and the time, in ms since the epoch.
"""

import array
import json
import time

from pvapy.hpc.userDataProcessor import UserDataProcessor


class LatencyProcessor(UserDataProcessor):
    def __init__(self, configDict={}):
        UserDataProcessor.__init__(self, configDict)
        self.latencies = array.array('d')

    def process(self, pvObject):
        now = time.time()
        if pvObject['uniqueId'] == 0:
            return pvObject
        if not self.latencies:
            print('FIRST %d' % (1000 * now), flush=True)
        stamp = pvObject['timeStamp']
        self.latencies.append(now - stamp['secondsPastEpoch'] - 1e-9 * stamp['nanoseconds'])
        self.updateOutputChannel(pvObject)
        return pvObject

    def stop(self):
        ordered = sorted(self.latencies)
        if ordered:
            p50, p99 = (1e6 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
            print('LATENCY ' + json.dumps({'frames': len(ordered), 'p50': p50, 'p99': p99}), flush=True)
