/** The PVs the tests of the tools (pvget and its kin) run against: every kind of value, and what can go wrong. */
import {
  AnyValue,
  arrayOf,
  NTNDArray,
  RemoteError,
  SharedPV,
  struct,
  type TypeDef,
  typeOf,
  UnionValue,
  union,
  Value,
} from 'epics-pva-ts';

/** 2026-11-21 00:33:26 UTC. */
export const SECONDS = 1795221206n;

const alarm = struct('alarm_t', { severity: 'int', status: 'int', message: 'string' });
const time = struct('time_t', { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' });
const enumeration = struct('enum_t', { index: 'int', choices: 'string[]' });

const at = (nanoseconds: number, userTag = 0) => ({ secondsPastEpoch: SECONDS, nanoseconds, userTag });

function scalar(kind: Parameters<typeof typeOf>[0], fields: Record<string, unknown>): Value {
  const id = typeOf(kind).isArray ? 'epics:nt/NTScalarArray:1.0' : 'epics:nt/NTScalar:1.0';
  return Value.create(struct(id, { value: kind, alarm, timeStamp: time }), fields);
}

/** The value of t:double, for a PV of its own. */
export function doubleValue(): Value {
  return scalar('double', { value: 3.25, timeStamp: at(236_000_000) });
}

function choice(index: number, fields: Record<string, unknown> = {}): Value {
  const type = struct('epics:nt/NTEnum:1.0', { value: enumeration, alarm, timeStamp: time });
  return Value.create(type, { value: { index, choices: ['Zero', 'One', 'Two words'] }, ...fields });
}

/** The control channel of a PvaPy consumer without what changes with time. */
export const controlType: TypeDef = struct('', {
  consumerId: 'uint',
  command: 'string',
  args: 'string',
  statusMessage: 'string',
});

/** As a consumer's: takes a command, answers with a status message. */
function control(): SharedPV {
  const pv = new SharedPV({
    onPut: (self, put) => {
      const command = String(put.get('command'));
      if (put.isMarked('statusMessage')) throw new RemoteError('statusMessage cannot be set');
      put.set('statusMessage', command === 'stop' ? 'Stop flag set' : 'Command successful');
      self.post(put);
    },
  });
  pv.open(Value.create(controlType, { consumerId: 1 }));
  return pv;
}

const statusType = struct('', {
  consumerId: 'string',
  objectTime: 'double',
  objectTimestamp: time,
  monitorStats: struct('', { nReceived: 'ulong', receivedRate: 'double' }),
  userStats: struct('', { limit: 'double' }),
});

function status(): Value {
  return Value.create(statusType, {
    consumerId: '1',
    objectTime: 1795221206.25,
    objectTimestamp: at(250_000_000),
    monitorStats: { nReceived: 12n, receivedRate: 1 },
    userStats: { limit: 100 },
  });
}

const optionType = union('', { i: 'int', s: 'string' });

const groupType = struct('my:group:1.0', {
  inner: struct('', { value: 'double', text: 'string' }),
  choice: union('', { number: 'double', words: 'string[]' }),
  empty: union('', { number: 'double' }),
  any: 'any',
  rows: arrayOf(struct('row_t', { x: 'int', name: 'string' })),
  options: arrayOf(optionType),
  flag: 'boolean',
  flags: 'boolean[]',
  bytes: 'ubyte[]',
  floats: 'float[]',
});

function table(): Value {
  const type = struct('epics:nt/NTTable:1.0', {
    labels: 'string[]',
    value: struct('', { a: 'int[]', b: 'double[]', c: 'string[]' }),
    descriptor: 'string',
    alarm,
    timeStamp: time,
  });
  return Value.create(type, {
    labels: ['num', 'dbl', 'a long string col'],
    value: { a: [1, 20, 300], b: [1.5, 2.25, 1e10], c: ['a', 'b c', ''] },
  });
}

/** Takes whatever is put and keeps the time stamp as it is, so that what is printed stays the same. */
function mailbox(value: Value): SharedPV {
  const pv = new SharedPV({ onPut: (self, put) => self.post(put) });
  pv.open(value);
  return pv;
}

function group(): Value {
  return Value.create(groupType, {
    inner: { value: 1.5, text: 'two words' },
    'choice->words': ['a', 'b c'],
    any: new AnyValue(typeOf('int'), 7),
    rows: [{ x: 1, name: 'one' }, { x: 2 }],
    options: [
      { i: 0, value: 3 },
      { i: 1, value: 'three' },
    ].map(({ i, value }) => new UnionValue(optionType, i, value)),
    flag: true,
    flags: [true, false],
    bytes: [1, 2, 255],
    floats: [0.1, 1e-7],
  });
}

function image(): Value {
  const frame = NTNDArray.create({
    pixels: new Uint8Array([1, 2, 3, 4, 5, 6]),
    dimensions: [3, 2],
    uniqueId: 5,
    timeStamp: { secondsPastEpoch: SECONDS, nanoseconds: 500_000_000 },
    dataTimeStamp: { secondsPastEpoch: 0n, nanoseconds: 0 },
  });
  return frame.value;
}

/** The sum of two arguments, which may be text, as pvcall sends them. */
function sum(): SharedPV {
  const type = struct('epics:nt/NTScalar:1.0', { value: 'double' });
  return new SharedPV({
    onRpc: (_pv, argument) => {
      const [lhs, rhs] = ['lhs', 'rhs'].map((name) => {
        const text = argument?.tryGet(`query.${name}`);
        if (text === undefined || Number.isNaN(Number(text)))
          throw new RemoteError(`argument ${name}: a number is needed, not '${String(text)}'`);
        return Number(text);
      }) as [number, number];
      return Value.create(type, { value: lhs + rhs });
    },
  });
}

/** All PVs by name, made anew. */
export function pvtoolsPVs(): Map<string, SharedPV> {
  return new Map([
    ['t:double', mailbox(doubleValue())],
    [
      't:int',
      mailbox(
        scalar('int', {
          value: 42,
          alarm: { severity: 2, status: 1, message: 'HIHI' },
          timeStamp: at(999_999_999, 7),
        }),
      ),
    ],
    ['t:byte', mailbox(scalar('byte', { value: -1 }))],
    ['t:ushort', mailbox(scalar('ushort', { value: 65535 }))],
    ['t:long', mailbox(scalar('long', { value: 9_007_199_254_740_993n }))],
    ['t:ulong', mailbox(scalar('ulong', { value: 18_446_744_073_709_551_615n }))],
    ['t:longs', mailbox(scalar('long[]', { value: [1n] }))],
    ['t:bool', mailbox(scalar('boolean', { value: true }))],
    ['t:float', mailbox(scalar('float', { value: 0.1 }))],
    ['t:string', mailbox(scalar('string', { value: 'new value', timeStamp: at(269_000_000) }))],
    ['t:enum', mailbox(choice(1, { timeStamp: at(246_000_000) }))],
    ['t:enum:bad', mailbox(choice(5, { alarm: { severity: 3, status: 2, message: 'UDF' } }))],
    ['t:doubles', mailbox(scalar('double[]', { value: [4, 5, 6.5], timeStamp: at(261_000_000) }))],
    ['t:strings', mailbox(scalar('string[]', { value: ['a', 'b c'], timeStamp: at(278_000_000) }))],
    ['t:table', mailbox(table())],
    ['t:image', mailbox(image())],
    ['t:group', mailbox(group())],
    ['t:readonly', SharedPV.readonly(scalar('double', { value: 1 }))],
    ['t:silent', new SharedPV()],
    ['svc:sum', sum()],
    ['svc:echo', new SharedPV({ onRpc: (_pv, argument) => argument })],
    ['svc:nothing', new SharedPV({ onRpc: () => null })],
    [
      'svc:broken',
      new SharedPV({
        onRpc: () => {
          throw new RemoteError('Traceback:\n  line 1\r\nRuntimeError: broken\n');
        },
      }),
    ],
    ['svc:silent', new SharedPV({ onRpc: () => new Promise(() => {}) })],
    ['consumer:1:output', mailbox(image())],
    ['consumer:1:status', SharedPV.readonly(status())],
    ['consumer:1:control', control()],
  ]);
}
