"""A PvaPy processor that adds to every image the values its metadata channels had when it was taken.

A value belongs to an image when their time stamps differ by no more than the tolerance; older values are discarded,
newer ones wait for later images. An image that lacks a value is published with what there is, and counted. PvaPy ships
such a processor only as an example, not in its wheel; names of arguments and figures are those of that example.
"""

import pvaccess as pva
from pvapy.hpc.userDataProcessor import UserDataProcessor


def seconds(pvObject):
    stamp = pvObject['timeStamp']
    return stamp['secondsPastEpoch'] + 1e-9 * stamp['nanoseconds']


class MetadataProcessor(UserDataProcessor):
    def __init__(self, configDict={}):
        UserDataProcessor.__init__(self, configDict)
        self.tolerance = float(configDict.get('timestampTolerance', 0.001))
        self.offset = float(configDict.get('metadataTimestampOffset', 0))
        self.held = {}

    def resetStats(self):
        self.counts = dict.fromkeys(
            ['nFramesProcessed', 'nFrameErrors', 'nMetadataProcessed', 'nMetadataDiscarded'], 0)

    def getStats(self):
        return dict(self.counts)

    def getStatsPvaTypes(self):
        return {name: pva.UINT for name in self.counts}

    def valueAt(self, channel, time):
        """Value of a metadata channel at a time, None when there is none (yet)."""
        while True:
            metadata = self.held.pop(channel, None)
            if metadata is None:
                try:
                    metadata = self.metadataQueueMap[channel].get(0)
                except pva.QueueEmpty:
                    return None
            age = time - seconds(metadata) - self.offset
            if age < -self.tolerance:
                self.held[channel] = metadata
                return None
            if age <= self.tolerance:
                self.counts['nMetadataProcessed'] += 1
                return metadata['value']
            self.counts['nMetadataDiscarded'] += 1

    def process(self, pvObject):
        if not pvObject['dimension']:
            return pvObject
        time = seconds(pvObject)
        attributes = pvObject['attribute'] if 'attribute' in pvObject else []
        complete = True
        for channel in self.metadataQueueMap:
            value = self.valueAt(channel, time)
            if value is None:
                complete = False
            else:
                attributes.append(pva.NtAttribute(channel, pva.PvFloat(value)))
        pvObject['attribute'] = attributes
        self.counts['nFramesProcessed' if complete else 'nFrameErrors'] += 1
        self.updateOutputChannel(pvObject)
        return pvObject
