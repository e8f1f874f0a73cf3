/** What the messages of messages.txt say that are PUT_GET, PROCESS, ACL_CHANGE, AUTHNZ and CANCEL_REQUEST. */
import { FULL_ACCESS } from '../../src/message/acl-change.ts';
import { caCredentials } from '../../src/message/connection-validation.ts';
import { SUB } from '../../src/message/operation.ts';
import { AnyValue } from '../../src/value/containers.ts';
import { parsePvRequest } from '../../src/value/pv-request.ts';
import { struct, typeOf } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { errorStatus, OK, StatusType } from '../../src/wire/status.ts';
import type { SessionExpectation } from './message-expectations.ts';

const CALC = struct('calc', { value: 'double', result: 'double' });
const PUT = struct('', { value: 'double' });
const GET = struct('', { value: 'double', other: 'int' });
const TOKEN = struct('', { token: 'string' });
const token = (text: string): AnyValue => new AnyValue(TOKEN, Value.create(TOKEN, { token: text }).mark());
const PVAPY = { sid: 1, ioid: 0x80706052 };
const OURS = { sid: 0x12003401, ioid: 0x10002001 };
const PROCESS = { sid: 0x12003401, ioid: 0x10002003 };

/** As pvDatabase sends it: the whole structure by bits 0 and 1. */
const whole = (value: Value): Value => value.mark('').mark('value');

export const PROCESS_EXPECTATIONS: Readonly<Record<string, SessionExpectation>> = {
  'PUT_GET of a PvaPy client': {
    messages: [
      {
        bufferSize: 0x400000,
        registrySize: 0x7fff,
        qos: 0,
        method: 'ca',
        data: caCredentials('root', 'vm'),
      },
      { ...PVAPY, subcommand: SUB.INIT, pvRequest: parsePvRequest('getField(result)putField(value)') },
      { ioid: PVAPY.ioid, subcommand: SUB.INIT, status: OK, putType: CALC, type: CALC },
      { ...PVAPY, subcommand: SUB.GET },
      { ioid: PVAPY.ioid, subcommand: SUB.GET, status: OK, value: Value.create(CALC, { result: 0 }) },
      { ...PVAPY, subcommand: SUB.GET_PUT },
      { ioid: PVAPY.ioid, subcommand: SUB.GET_PUT, status: OK, value: Value.create(CALC, { value: 1 }) },
      { ...PVAPY, subcommand: SUB.EXEC, value: Value.create(CALC, { value: 21 }) },
      { ioid: PVAPY.ioid, subcommand: SUB.EXEC, status: OK, value: Value.create(CALC, { result: 42 }) },
      PVAPY,
    ],
    ids: [0, 1],
  },
  'PUT_GET on pvDatabase': {
    messages: [
      { ...OURS, subcommand: SUB.INIT, pvRequest: parsePvRequest('getField(value,other)putField(value)') },
      { ioid: OURS.ioid, subcommand: SUB.INIT, status: OK, putType: PUT, type: GET },
      { ...OURS, subcommand: SUB.GET_PUT },
      { ioid: OURS.ioid, subcommand: SUB.GET_PUT, status: OK, value: whole(Value.create(PUT)) },
      { ...OURS, subcommand: SUB.EXEC, value: Value.create(PUT, { value: 9.25 }) },
      { ioid: OURS.ioid, subcommand: SUB.EXEC, status: OK, value: Value.create(GET, { value: 9.25 }) },
      OURS,
      { ioid: OURS.ioid + 1, subcommand: SUB.INIT, status: OK, putType: PUT, type: GET },
      { sid: OURS.sid, ioid: OURS.ioid + 1, subcommand: SUB.GET },
      { ioid: OURS.ioid + 1, subcommand: SUB.GET, status: OK, value: Value.create(GET, { value: 9.25 }) },
    ],
    ids: [1, 7],
  },
  'PROCESS on pvDatabase': {
    messages: [
      { ...PROCESS, subcommand: SUB.INIT, pvRequest: parsePvRequest('field()') },
      { ioid: PROCESS.ioid, subcommand: SUB.INIT, status: OK },
      { ...PROCESS, subcommand: SUB.EXEC },
      { ioid: PROCESS.ioid, subcommand: SUB.EXEC, status: OK },
      PROCESS,
    ],
  },
  'PROCESS refused by QSRV 1': {
    messages: [
      { ioid: PROCESS.ioid, subcommand: SUB.INIT, status: errorStatus('Not Implemented', StatusType.FATAL) },
    ],
  },
  ACL_CHANGE: {
    messages: [
      { cid: 0x12345678, rights: FULL_ACCESS },
      { cid: 0x12345678, rights: { put: true, putGet: false, rpc: false } },
    ],
  },
  AUTHNZ: {
    messages: [
      { data: new AnyValue(null, null) },
      { data: token('abc') },
      { data: token('def') },
      { data: new AnyValue(typeOf('int'), 42) },
    ],
    ids: [1, 2],
  },
  CANCEL_REQUEST: { messages: [{ sid: 0x12003401, ioid: 0x80706051 }] },
};
