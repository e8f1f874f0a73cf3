"""Lines to the test that nothing can tear apart.

pvaClientCPP prints its warnings to the same stdout from its own threads, without asking Python, now and then between a
line and the end of that line. What comes from here goes to a copy of stdout; everything else goes to stderr.
"""

import os
import sys

_lines = os.fdopen(os.dup(sys.stdout.fileno()), 'w')
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def say(text):
    _lines.write(text + '\n')
    _lines.flush()
