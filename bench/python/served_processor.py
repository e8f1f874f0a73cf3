"""A PvaPy processor for consumers that serve their input: says that it takes images, and passes them on."""

import pvaccess as pva
from pvapy.hpc.userDataProcessor import UserDataProcessor


class ServedProcessor(UserDataProcessor):
    def getInputPvObjectType(self):
        return pva.NtNdArray()
