"""PvaPy's MultiChannel, for the interop tests: prints what it gets of some channels as JSON, after putting numbers to them.

    pvapy_multi.py NAME... [= NUMBER...]

Its getAsDoubleArray() ends the process (pvapy 5.6.0), so nothing asks for it.
"""

import json
import sys

import pvaccess

from own_lines import say


def plain(value):
    if isinstance(value, tuple):
        return plain(value[0].get('value'))
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if hasattr(value, 'tolist'):
        return value.tolist()
    if isinstance(value, list):
        return [plain(element) for element in value]
    return value


def main():
    arguments = sys.argv[1:]
    names = arguments[: arguments.index('=')] if '=' in arguments else arguments
    channels = pvaccess.MultiChannel(names)
    if '=' in arguments:
        channels.putAsDoubleArray([float(text) for text in arguments[arguments.index('=') + 1 :]])
    say(json.dumps(plain(channels.get().toDict())))


if __name__ == '__main__':
    main()
