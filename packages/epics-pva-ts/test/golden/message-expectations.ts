/**
 * What the messages of messages.txt say, by title, as the library's own message objects: what is decoded must mean
 * the same, and encoding these must give the bytes. `null` is a control message.
 */
import { caCredentials } from '../../src/message/connection-validation.ts';
import { SUB } from '../../src/message/operation.ts';
import { arrayOf, struct, type TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import { errorStatus, OK, StatusType } from '../../src/wire/status.ts';
import {
  ALARM_T,
  CODEC_T,
  DIMENSION_T,
  NT_ATTRIBUTE,
  NT_ENUM,
  NT_NDARRAY,
  ntScalar,
  pixelUnion,
  QSRV_DOUBLE,
  TIME_T,
} from '../support/types.ts';
import { type Tree, treeType } from './expectation.ts';
import { PROCESS_EXPECTATIONS } from './process-expectations.ts';

export interface SessionExpectation {
  readonly messages: readonly (object | null)[];
  /** Types of operations whose INIT is not part of the session, by ioid. */
  readonly types?: Readonly<Record<number, TypeDef>>;
  /** Messages (counted from 0) that use type ids: we write the types out instead. */
  readonly ids?: readonly number[];
}

const tree = (t: Tree): Value => Value.create(treeType(t), t);
/** An update with exactly these bits in its mask. */
function update(type: TypeDef, fields: Readonly<Record<string, unknown>>, marks?: readonly number[]): Value {
  const v = Value.create(type);
  for (const [path, x] of Object.entries(fields)) v.set(path, x);
  if (!marks) return v;
  v.unmark();
  for (const m of marks) v.mark(type.nodes[m]?.path);
  return v;
}

const NO_OVERRUN = new BitSet();
const PVA_CLIENT = { sid: 0x12003401, ioid: 0x10002000 };
const SERVER_VALIDATION = { bufferSize: 0x10000, registrySize: 0x7fff, methods: ['anonymous', 'ca'] };
const PVGET_VALIDATION = {
  bufferSize: 0x400000,
  registrySize: 0x7fff,
  qos: 0,
  method: 'ca',
  data: caCredentials('root', 'vm'),
};
const ANONYMOUS = { bufferSize: 0x10000, registrySize: 0x7fff, qos: 0, method: 'anonymous', data: null };

const ENUM_FIELDS = {
  'value.index': 0,
  'value.choices': ['Zero', 'One', 'Two'],
  'alarm.severity': 0,
  'alarm.status': 0,
  'alarm.message': '',
  'timeStamp.secondsPastEpoch': 0x6b00f51an,
  'timeStamp.nanoseconds': 0x1ec92c5b,
  'timeStamp.userTag': 0,
  'display.description': '',
};

const ENUM_GET = { sid: 0x07050301, ioid: 0x80706051 };
const ENUM_PUT = { sid: 0x07050301, ioid: 0x80706052 };
const RPC = { sid: 0x12003401, ioid: 0x80706051 };

const PVAPY_NT_NDARRAY = struct('epics:nt/NTNDArray:1.0', {
  value: pixelUnion('pvapy'),
  codec: CODEC_T,
  compressedSize: 'long',
  uncompressedSize: 'long',
  dimension: arrayOf(DIMENSION_T),
  uniqueId: 'int',
  dataTimeStamp: TIME_T,
  attribute: arrayOf(NT_ATTRIBUTE),
  descriptor: 'string',
  alarm: ALARM_T,
  timeStamp: TIME_T,
  display: struct('display_t', {
    limitLow: 'double',
    limitHigh: 'double',
    description: 'string',
    format: 'string',
    units: 'string',
  }),
});

const FORMS = ['Default', 'String', 'Binary', 'Decimal', 'Hex', 'Exponential', 'Engineering'];

export const MESSAGE_EXPECTATIONS: Readonly<Record<string, SessionExpectation>> = {
  handshake: { messages: [null, SERVER_VALIDATION, PVGET_VALIDATION, OK], ids: [2] },

  'pvget and pvput of an enum': {
    messages: [
      null,
      SERVER_VALIDATION,
      PVGET_VALIDATION,
      OK,
      { channels: [{ cid: 0x10203041, name: 't:mbbo' }] },
      { cid: 0x10203041, sid: 0x07050301, status: OK },
      { ...ENUM_GET, subcommand: SUB.INIT, pvRequest: tree({}) },
      { ioid: ENUM_GET.ioid, subcommand: SUB.INIT, status: OK, type: NT_ENUM },
      { ...ENUM_GET, subcommand: SUB.EXEC },
      { ioid: ENUM_GET.ioid, subcommand: SUB.EXEC, status: OK, value: update(NT_ENUM, ENUM_FIELDS) },
      ENUM_GET,
      { ...ENUM_PUT, subcommand: SUB.INIT, pvRequest: tree({}) },
      { ioid: ENUM_PUT.ioid, subcommand: SUB.INIT, status: OK, type: NT_ENUM },
      { ...ENUM_PUT, subcommand: SUB.GET },
      { ioid: ENUM_PUT.ioid, subcommand: SUB.GET, status: OK, value: update(NT_ENUM, ENUM_FIELDS) },
      { ...ENUM_PUT, subcommand: SUB.EXEC, value: update(NT_ENUM, { 'value.index': 2 }) },
      { ioid: ENUM_PUT.ioid, subcommand: SUB.EXEC, status: OK },
      ENUM_PUT,
    ],
    ids: [2, 6, 11],
  },

  pvcall: {
    messages: [
      { ...RPC, subcommand: SUB.INIT, pvRequest: tree({}) },
      { ioid: RPC.ioid, subcommand: SUB.INIT, status: OK },
      {
        ...RPC,
        subcommand: SUB.EXEC,
        argument: Value.create(
          struct('epics:nt/NTURI:1.0', {
            scheme: 'string',
            authority: 'string',
            path: 'string',
            query: struct('', { a: 'string', b: 'string' }),
          }),
          { scheme: 'pva', path: 'r:add', query: { a: '3', b: '4' } },
        ),
      },
      {
        ioid: RPC.ioid,
        subcommand: SUB.EXEC,
        status: OK,
        result: Value.create(struct('', { value: 'int' }), { value: 7 }),
      },
      RPC,
    ],
    ids: [0, 2, 3],
  },

  SET_BYTE_ORDER: { messages: [null, null] },
  'CONNECTION_VALIDATION of a server': { messages: [{ ...SERVER_VALIDATION, bufferSize: 17408 }] },
  'CONNECTION_VALIDATION of a client, anonymous': { messages: [ANONYMOUS] },
  'CONNECTION_VALIDATION of a client, anonymous, BE': { messages: [ANONYMOUS] },
  'CONNECTION_VALIDATION of a client, ca without type ids (PVXS 1.5.2)': {
    messages: [{ ...ANONYMOUS, method: 'ca', data: caCredentials('', '') }],
  },
  'CONNECTION_VALIDATED, good and refused': {
    messages: [OK, errorStatus('Client selects unadvertised auth')],
  },
  'ECHO empty': { messages: [{ payload: Buffer.alloc(0) }, { payload: Buffer.alloc(0) }] },
  'ECHO with payload': { messages: [{ payload: Buffer.from('hello!') }, { payload: Buffer.from('hello!') }] },
  CREATE_CHANNEL: {
    messages: [
      { channels: [{ cid: 0x12345678, name: 'cnt' }] },
      { cid: 0x12345678, sid: 0x07050301, status: OK },
    ],
  },
  'CREATE_CHANNEL refused by PVXS': {
    messages: [
      {
        cid: 9,
        sid: 0xffffffff,
        status: {
          type: StatusType.FATAL,
          message: 'Refused to create Channel',
          callTree: 'pvx:serv:refusechan:',
        },
      },
    ],
  },
  'CREATE_CHANNEL refused by QSRV 1': {
    messages: [{ cid: 9, sid: 0xffffffff, status: errorStatus('not found') }],
  },
  DESTROY_CHANNEL: {
    messages: [
      { sid: 0x12003401, cid: 5 },
      { sid: 0x12003401, cid: 5 },
    ],
  },
  DESTROY_REQUEST: { messages: [{ sid: 0x07050301, ioid: 0x10002000 }] },
  'GET INIT': { messages: [{ sid: 0x12003401, ioid: 1, subcommand: SUB.INIT, pvRequest: tree({}) }] },
  'GET with 50, type reduced to value': {
    messages: [
      { sid: 1, ioid: 2, subcommand: SUB.GET | SUB.DESTROY },
      {
        ioid: 2,
        subcommand: SUB.GET | SUB.DESTROY,
        status: OK,
        value: update(struct('', { value: 'double' }), { value: 2628 }, [0]),
      },
    ],
    types: { 2: struct('', { value: 'double' }) },
  },
  PUT: {
    messages: [
      { ...PVA_CLIENT, subcommand: SUB.EXEC, value: update(ntScalar('double'), { value: 8.5 }) },
      { ioid: PVA_CLIENT.ioid, subcommand: SUB.EXEC, status: OK },
    ],
    types: { 268443648: ntScalar('double') },
  },
  'PUT read back, empty mask': {
    messages: [{ ioid: 1, subcommand: SUB.GET, status: OK, value: update(ntScalar('double'), {}) }],
    types: { 1: ntScalar('double') },
  },
  'PUT error': {
    messages: [
      { ioid: 0x10002001, subcommand: SUB.EXEC, status: errorStatus('process error : Error (65535,65535)') },
    ],
    types: { 268443649: ntScalar('double') },
  },
  'MONITOR start, stop, destroy': {
    messages: [SUB.START, SUB.STOP, SUB.DESTROY].map((subcommand) => ({ ...PVA_CLIENT, subcommand })),
  },
  'MONITOR acknowledgement': { messages: [{ ...PVA_CLIENT, subcommand: SUB.PIPELINE, nfree: 2 }] },
  'MONITOR update of PVXS': {
    messages: [
      {
        ioid: PVA_CLIENT.ioid,
        subcommand: SUB.EXEC,
        status: OK,
        value: update(ntScalar('uint'), { value: 23 }),
        overrun: NO_OVERRUN,
      },
    ],
    types: { 268443648: ntScalar('uint') },
  },
  'MONITOR INIT with pipeline': {
    messages: [
      {
        sid: 1,
        ioid: 1,
        subcommand: SUB.INIT | SUB.PIPELINE,
        pvRequest: tree({ record: { _options: { pipeline: 'true' } } }),
        nfree: 2,
      },
    ],
    ids: [0],
  },
  GET_FIELD: {
    messages: [
      { sid: 0x12003401, ioid: 1, subfield: '' },
      { sid: 0x12003401, ioid: 1, subfield: 's.b' },
      { ioid: 1, status: OK, type: struct('', { s: 'string' }).member('s') },
    ],
  },
  'GET INIT refused by PVXS': {
    messages: [{ ioid: 1, subcommand: SUB.INIT, status: errorStatus('Op Create implied error') }],
  },
  'RPC not implemented': {
    messages: [{ ioid: 1, subcommand: SUB.EXEC, status: errorStatus('RPC Not Implemented') }],
  },

  'QSRV double record': {
    messages: [
      { ioid: 0x80706051, subcommand: SUB.INIT, status: OK, type: QSRV_DOUBLE },
      {
        ioid: 0x80706051,
        subcommand: SUB.EXEC,
        status: OK,
        value: update(
          QSRV_DOUBLE,
          {
            value: 37,
            'alarm.message': 'NO_ALARM',
            'timeStamp.secondsPastEpoch': 0x6071c43cn,
            'timeStamp.nanoseconds': 0x1695d0e3,
            'display.form.choices': FORMS,
            'valueAlarm.lowAlarmLimit': Number.NaN,
            'valueAlarm.lowWarningLimit': Number.NaN,
            'valueAlarm.highWarningLimit': Number.NaN,
            'valueAlarm.highAlarmLimit': Number.NaN,
          },
          [0, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21, 25, 26, 27, 28],
        ),
        overrun: NO_OVERRUN,
      },
      { ioid: 0x80706052, subcommand: SUB.INIT, status: OK, type: QSRV_DOUBLE },
    ],
    ids: [0, 2],
  },

  'GET of an NTNDArray of pvaPy': {
    messages: [
      {
        ioid: 1,
        subcommand: SUB.EXEC,
        status: OK,
        value: update(
          PVAPY_NT_NDARRAY,
          {
            'value->ubyteValue': [1, 2, 3, 4, 5, 6],
            dimension: [
              { size: 2, fullSize: 2, binning: 1 },
              { size: 3, fullSize: 3, binning: 1 },
            ],
            uniqueId: 5,
          },
          [0],
        ),
      },
    ],
    types: { 1: PVAPY_NT_NDARRAY },
  },
  'MONITOR update of an NTNDArray': {
    messages: [
      {
        ioid: PVA_CLIENT.ioid,
        subcommand: SUB.EXEC,
        status: OK,
        value: update(NT_NDARRAY, {
          'value->ubyteValue': [9, 9, 9, 9, 9, 9],
          uniqueId: 6,
          'timeStamp.secondsPastEpoch': 0x6553f101n,
          'timeStamp.nanoseconds': 250,
        }),
        overrun: NO_OVERRUN,
      },
    ],
    types: { 268443648: NT_NDARRAY },
  },
  MESSAGE: { messages: [{ ioid: 0x58, severity: 1, message: 'bad request id' }] },
  ...PROCESS_EXPECTATIONS,
};
