"""A processor for PvaPy's consumers that host their input channel: takes images and passes them on."""
import pvaccess as pva
from pvapy.hpc.userDataProcessor import UserDataProcessor


class Served(UserDataProcessor):
    def getInputPvObjectType(self):
        return pva.NtNdArray()
