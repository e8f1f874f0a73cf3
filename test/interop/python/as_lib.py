"""Access security of EPICS base (libCom's asLib), asked line by line.

Reads JSON lines {"acf": text, "macros": "A=1" or null, "clientIP": bool, "asks": [[asg, asl, user, host], ...]} and
answers {"ok": bool, "grants": ["", "r", "rw", "rwt", ...]}: read, write, TRAPWRITE.
"""

import json
import sys
import tempfile
from ctypes import CDLL, POINTER, Structure, byref, c_char_p, c_int, c_long, c_void_p, create_string_buffer

from epicscorelibs.path import get_lib

com = CDLL(get_lib('Com'))


class Client(Structure):
    """struct asgClient of asLib.h."""
    _fields_ = [('next', c_void_p), ('previous', c_void_p), ('member', c_void_p), ('user', c_char_p), ('host', c_void_p),
                ('userPvt', c_void_p), ('callback', c_void_p), ('level', c_int), ('access', c_int), ('trapMask', c_int)]


for name in ('asInitFile', 'asAddMember', 'asAddClient', 'asRemoveClient', 'asRemoveMember'):
    getattr(com, name).restype = c_long
com.asInitFile.argtypes = [c_char_p, c_char_p]
com.asAddMember.argtypes = [POINTER(c_void_p), c_char_p]
com.asAddClient.argtypes = [POINTER(POINTER(Client)), c_void_p, c_int, c_char_p, c_void_p]
com.asRemoveClient.argtypes = [POINTER(POINTER(Client))]
com.asRemoveMember.argtypes = [POINTER(c_void_p)]
READ, WRITE = 1, 2


def grant(asg, asl, user, host):
    member, client = c_void_p(), POINTER(Client)()
    host_buffer = create_string_buffer(host.encode())
    if com.asAddMember(byref(member), asg.encode()):
        raise RuntimeError(f'asAddMember {asg}')
    if com.asAddClient(byref(client), member, asl, user.encode(), host_buffer):
        raise RuntimeError(f'asAddClient {user}')
    found = client.contents
    text = ('r' if found.access >= READ else '') + ('w' if found.access >= WRITE else '')
    if found.access >= WRITE and found.trapMask:
        text += 't'
    com.asRemoveClient(byref(client))
    com.asRemoveMember(byref(member))
    return text


for line in sys.stdin:
    request = json.loads(line)
    c_int.in_dll(com, 'asCheckClientIP').value = 1 if request['clientIP'] else 0
    with tempfile.NamedTemporaryFile('w', suffix='.acf') as file:
        file.write(request['acf'])
        file.flush()
        macros = request['macros']
        status = com.asInitFile(file.name.encode(), macros.encode() if macros is not None else None)
    ok = status == 0
    print(json.dumps({'ok': ok, 'grants': [grant(*ask) for ask in request['asks']] if ok else []}), flush=True)
