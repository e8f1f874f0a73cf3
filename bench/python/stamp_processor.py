"""A PvaPy processor that gives every frame the present time as its time stamp and passes it on.

The next stage knows with it when this one published.
"""

import time

import pvaccess as pva
from pvapy.hpc.userDataProcessor import UserDataProcessor


class StampProcessor(UserDataProcessor):
    def process(self, pvObject):
        pvObject['timeStamp'] = pva.PvTimeStamp(time.time())
        self.updateOutputChannel(pvObject)
        return pvObject
