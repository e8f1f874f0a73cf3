"""PvaPy's normative types (NtScalar, NtEnum, NtTable, NtNdArray), both roles; see json_lines.py for the protocol.

    {"op": "offer", "prefix": p, "images": {name: {"codec": c, "base64": b, "nx": n, "ny": n, "dtype": d}}}
                                                        serves values of its classes: scalar, enum, table, image, and the images
    {"op": "serve", "pv": name, "type": t, "value": v}  serves any other value, as peer_json.py writes it
    {"op": "wrap", "pv": name, "class": "NtTable"}      -> what the getters of that class give for a PV
    {"op": "image", "pv": name}                         -> what PvaPy's AdImageUtility makes of a PV
"""

import base64

import numpy
import pvaccess
from pvapy.utility.adImageUtility import AdImageUtility

from json_lines import serve
from pvapy_server import make

SECONDS = 1700000000


def stamped(pv):
    pv['timeStamp'] = pvaccess.PvTimeStamp(SECONDS, 5, 6)
    pv['alarm'] = pvaccess.PvAlarm(2, 1, 'hot')
    pv['descriptor'] = 'text'
    return pv


def table():
    result = pvaccess.NtTable([pvaccess.INT, pvaccess.STRING, pvaccess.DOUBLE])
    result.setLabels(['A', 'B', 'C'])
    result.setColumn(0, [1, 2])
    result.setColumn(1, ['one', 'two'])
    result.setColumn(2, [1.5, 2.5])
    return result


class Peer:
    def __init__(self):
        self.server = pvaccess.PvaServer()

    def offer(self, request):
        prefix = request['prefix']
        offered = {
            'scalar': stamped(pvaccess.NtScalar(pvaccess.DOUBLE, 3.25)),
            'enum': stamped(pvaccess.NtEnum(['Open', 'Closed'], 1)),
            'table': stamped(table()),
            'image': AdImageUtility.generateNtNdArray2D(7, numpy.arange(6, dtype='u2').reshape(2, 3)),
        }
        for name, image in request['images'].items():
            data = numpy.frombuffer(base64.b64decode(image['base64']), dtype='u1')
            offered[name] = AdImageUtility.generateNtNdArray2D(
                8, data, image['nx'], image['ny'], image['dtype'], image['codec'])
        for name, pv in offered.items():
            self.server.addRecord(prefix + name, pv)
        return {}

    def serve(self, request):
        self.server.addRecord(request['pv'], make(request['type'], request['value']))
        return {}

    def wrap(self, request):
        # With request '' pvAccessCPP gets everything; a get of pvapy would ask for the value alone.
        pv = pvaccess.Channel(request['pv']).get('')
        name = request['class']
        wrapped = getattr(pvaccess, name)(pv)
        result = {} if name == 'NtNdArray' else {
            'descriptor': wrapped.getDescriptor(), 'alarm': alarm(wrapped), 'timeStamp': time(wrapped)}
        if name == 'NtScalar':
            result['value'] = wrapped.getValue()
        elif name == 'NtEnum':
            value = wrapped.getValue()
            result['index'], result['choices'] = value['index'], value['choices']
        elif name == 'NtTable':
            result['labels'] = wrapped.getLabels()
            result['columns'] = [list(wrapped.getColumn(i)) for i in range(wrapped.getNColumns())]
        else:
            codec = wrapped.getCodec()
            result['codec'] = codec['name']
            # Its own getters of these two end the process.
            result['sizes'] = [wrapped['compressedSize'], wrapped['uncompressedSize']]
            result['uniqueId'] = wrapped.getUniqueId()
            result['dimension'] = [d['size'] for d in wrapped.getDimension()]
            result['attribute'] = [a['name'] for a in wrapped.getAttribute()]
        return {'result': result}

    def image(self, request):
        pv = pvaccess.Channel(request['pv']).get('')
        image_id, image, nx, ny, nz, _, key = AdImageUtility.reshapeNtNdArray(pv)
        return {'result': {'id': image_id, 'pixels': image.tolist(), 'nx': nx, 'ny': ny, 'nz': nz, 'key': key}}


def alarm(wrapped):
    value = wrapped.getAlarm()
    return [value['severity'], value['status'], value['message']]


def time(wrapped):
    value = wrapped.getTimeStamp()
    return [value['secondsPastEpoch'], value['nanoseconds'], value['userTag']]


if __name__ == '__main__':
    peer = Peer()
    operations = {name: getattr(peer, name) for name in ['offer', 'serve', 'wrap', 'image']}
    serve(operations, lambda error: 'error')
