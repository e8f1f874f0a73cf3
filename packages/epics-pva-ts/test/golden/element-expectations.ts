/** What the vectors of elements.txt must decode to and be written from, by number. */
import { AnyValue, type UnionValue } from '../../src/value/containers.ts';
import { select } from '../../src/value/convert.ts';
import type { ScalarKind } from '../../src/value/type-code.ts';
import { arrayOf, bounded, struct, TypeDef, typeOf, union } from '../../src/value/type-def.ts';
import { type PvData, Value } from '../../src/value/value.ts';
import { NULL_SIZE } from '../../src/wire/reader.ts';
import { StatusType } from '../../src/wire/status.ts';
import { ALARM_T, ENUM_T, EXAMPLE_STRUCTURE, NT_ENUM, ntScalar, SIMPLE_T, TIME_T } from '../support/types.ts';
import {
  bits,
  type Expectation,
  nullBitSet,
  partial,
  request,
  size,
  status,
  string,
  type,
  value,
} from './expectation.ts';

const int = typeOf('int');
const double = typeOf('double');
const any = typeOf('any');
const XY = struct('', { X: 'int', Y: 'string' });
const PAIR = struct('', { first: 'short', second: 'short' });
const STRING_INT_DOUBLE = union('', { s: 'string', i: 'int', d: 'double' });
const UINT_SCALAR = ntScalar('uint');
const TIMESTAMP_T = struct('timeStamp_t', { secondsPastEpoch: 'long', nanoSeconds: 'int', userTag: 'int' });
const TEXT_IN_UNION = 'String inside variant union.';

const PVAPY_MIX = struct('', {
  u: union('', { i: 'int', s: 'string' }),
  v: 'any',
  b: 'boolean',
  by: 'byte',
  ua: arrayOf(union('', { i: 'int' })),
  sa: arrayOf(struct('', { a: 'int' })),
});

const NT_ENUM_3 = struct('epics:nt/NTEnum:1.0', {
  value: ENUM_T,
  alarm: ALARM_T,
  timeStamp: struct('', { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' }),
});

const EXAMPLE_VALUE = {
  value: new Int8Array([1, 2, 3]),
  boundedSizeArray: new Int8Array([4, 5, 6, 7, 8]),
  fixedSizeArray: new Int8Array([9, 10, 11, 12]),
  timeStamp: {
    secondsPastEpoch: 0x1122334455667788n,
    nanoseconds: 0xaabbccdd | 0,
    userTag: 0xeeeeeeee | 0,
  },
  alarm: { severity: 0x11111111, status: 0x22222222, message: 'Allo, Allo!' },
  valueUnion: { member: 'intValue', value: 0x33333333 },
  variantUnion: { any: 'string', value: TEXT_IN_UNION },
};

const SIMPLE_CODES = {
  69: 'boolean',
  70: 'byte',
  71: 'short',
  72: 'int',
  73: 'long',
  74: 'ubyte',
  75: 'ushort',
  76: 'uint',
  77: 'ulong',
  78: 'float',
  79: 'double',
  80: 'string',
  81: 'any',
  82: 'boolean[]',
  83: 'byte[]',
  84: 'short[]',
  85: 'int[]',
  86: 'long[]',
  87: 'ubyte[]',
  88: 'ushort[]',
  89: 'uint[]',
  90: 'ulong[]',
  91: 'float[]',
  92: 'double[]',
  93: 'string[]',
  94: 'any[]',
} as const;

function anyOf(kind: ScalarKind, v: PvData): AnyValue {
  return new AnyValue(typeOf(kind), v);
}

/** An element of the union array `field` of simple_t with a member selected. */
function choice(field: string, index: number, v: string): UnionValue {
  return select((SIMPLE_T.member(field) as TypeDef).element, index, v);
}

/** Several where the same bytes can be read in more than one way. */
export const ELEMENT_EXPECTATIONS: Readonly<Record<number, Expectation | readonly Expectation[]>> = {
  1: size(0),
  2: size(1),
  3: size(253),
  4: size(254),
  5: size(254),
  6: size(255),
  7: size(20000),
  8: size(65536),
  9: size(NULL_SIZE),

  10: string(''),
  11: string('', '00'),
  12: string('hello world'),
  13: string('µm'),

  14: value(typeOf('boolean'), true),
  15: value(typeOf('byte'), -3),
  16: value(typeOf('ubyte'), 253),
  17: value(typeOf('short'), -2),
  18: value(typeOf('short'), -2),
  19: value(typeOf('ushort'), 4660),
  20: value(int, 42),
  21: value(int, 42),
  22: value(typeOf('uint'), 0xdeadbeef),
  23: value(typeOf('long'), 1234567890123n),
  24: value(typeOf('ulong'), 0x1122334455667788n),
  25: value(typeOf('float'), 1.5),
  26: value(double, 1),
  27: value(double, 1),
  28: value(double, 2621),
  29: value(double, Number.NaN),
  30: value(XY, { X: 42, Y: 'testing' }),
  31: value(XY, { X: 42, Y: 'testing' }),
  32: value(TIME_T, { secondsPastEpoch: 0x10203040n, nanoseconds: 0, userTag: 0 }),

  33: value(arrayOf(PAIR), [{ first: 0x1111, second: 0x2222 }, null, { first: 0x3333, second: 0x4444 }]),
  34: value(typeOf('byte[]'), new Int8Array([1, 2, 3])),
  35: value(typeOf('double[]'), new Float64Array()),
  36: value(typeOf('int[]'), new Int32Array([100, 200])),
  37: value(typeOf('string[]'), ['Off', 'On']),
  38: value(typeOf('boolean[]'), [true, false]),
  39: value(bounded('byte', 'fixed', 4), new Int8Array([9, 10, 11, 12])),
  40: value(bounded('byte', 'bounded', 16), new Int8Array([4, 5, 6, 7, 8])),

  41: value(STRING_INT_DOUBLE, select(STRING_INT_DOUBLE, 1, 0x33333333), { member: 'i', value: 0x33333333 }),
  42: value(STRING_INT_DOUBLE, null, { member: null, value: null }),
  43: value(any, null, { any: null, value: null }),
  44: value(any, anyOf('uint', 0x600df00d), { any: 'uint', value: 0x600df00d }),
  45: value(any, TEXT_IN_UNION, { any: 'string', value: TEXT_IN_UNION }),

  46: bits(),
  47: bits(0),
  48: bits(1),
  49: bits(7),
  50: bits(8),
  51: bits(15),
  52: bits(1, 55),
  53: bits(0, 1, 2, 4, 8),
  54: bits(8, 17, 24, 25, 34, 40, 42, 49, 50),
  55: bits(1, 63),
  56: bits(1, 63),
  57: bits(1, 8, 63, 64),
  58: bits(1, 8, 63, 64),
  59: bits(1, 63, 64, 126),
  60: bits(1, 63, 64, 126),
  61: bits(56),
  62: bits(64),
  63: bits(8, 17, 24, 25, 34, 40, 42, 49, 50, 56, 57, 58, 67, 72, 75, 81, 83),

  64: status(StatusType.OK),
  65: status(StatusType.OK, '', '', 'ff'),
  66: status(StatusType.WARNING, 'Low memory'),
  67: status(StatusType.ERROR, 'bad channel id'),
  68: status(StatusType.FATAL, 'Not Implemented'),

  ...Object.fromEntries(Object.entries(SIMPLE_CODES).map(([number, name]) => [number, type(typeOf(name))])),
  95: type(bounded('byte', 'bounded', 16)),
  96: type(bounded('byte', 'fixed', 4)),
  97: type(bounded('string', 'string', 40)),
  98: type(struct('', {})),
  99: type(struct('', {}), '80 00 00'),
  100: type(TIME_T),
  101: type(ALARM_T),
  102: type(
    TIMESTAMP_T,
    `80 0b 74 69 6d 65 53 74 61 6d 70 5f 74 03 10 73 65 63 6f 6e 64 73 50 61 73 74 45 70 6f 63 68 23
     0b 6e 61 6e 6f 53 65 63 6f 6e 64 73 22 07 75 73 65 72 54 61 67 22`,
  ),
  103: type(
    PVAPY_MIX,
    `80 00 06 01 75 81 00 02 01 69 22 01 73 60 01 76 82 01 62 00 02 62 79 20
     02 75 61 89 81 00 01 01 69 22 02 73 61 88 80 00 01 01 61 22`,
  ),
  104: type(
    EXAMPLE_STRUCTURE,
    `80 10 65 78 61 6d 70 6c 65 53 74 72 75 63 74 75 72 65 07 05 76 61 6c 75 65 28
     10 62 6f 75 6e 64 65 64 53 69 7a 65 41 72 72 61 79 30 10 0e 66 69 78 65 64 53 69 7a 65 41 72 72 61 79 38 04
     09 74 69 6d 65 53 74 61 6d 70 80 06 74 69 6d 65 5f 74 03 10 73 65 63 6f 6e 64 73 50 61 73 74 45 70 6f 63 68 23
     0b 6e 61 6e 6f 73 65 63 6f 6e 64 73 22 07 75 73 65 72 54 61 67 22 05 61 6c 61 72 6d 80 07 61 6c 61 72 6d 5f 74
     03 08 73 65 76 65 72 69 74 79 22 06 73 74 61 74 75 73 22 07 6d 65 73 73 61 67 65 60
     0a 76 61 6c 75 65 55 6e 69 6f 6e 81 00 03 0b 73 74 72 69 6e 67 56 61 6c 75 65 60
     08 69 6e 74 56 61 6c 75 65 22 0b 64 6f 75 62 6c 65 56 61 6c 75 65 43
     0c 76 61 72 69 61 6e 74 55 6e 69 6f 6e 82`,
  ),
  105: value(
    EXAMPLE_STRUCTURE,
    {
      ...EXAMPLE_VALUE,
      valueUnion: select(EXAMPLE_STRUCTURE.member('valueUnion') as TypeDef, 1, 0x33333333),
      variantUnion: TEXT_IN_UNION,
    },
    EXAMPLE_VALUE,
  ),

  106: partial(UINT_SCALAR, []),
  107: partial(UINT_SCALAR, [1], { value: 0xdeadbeef }),
  108: partial(UINT_SCALAR, [5, 8], { 'alarm.message': 'hello world', 'timeStamp.nanoseconds': 0xab }),
  109: partial(UINT_SCALAR, [7], { 'timeStamp.secondsPastEpoch': 0x10203040n }),
  110: partial(TIME_T, [1], { secondsPastEpoch: 0x10203040n }),
  111: partial(SIMPLE_T, [1], { value: new BigUint64Array([1n, 0xdeadbeefn, 2n]) }),
  112: partial(SIMPLE_T, [6], { 'arbitrary.sarr': [{ value: 0xdeadbeef }, { value: 0x1badface }, null] }),
  113: partial(SIMPLE_T, [9], { choice: { member: 'b', value: 'test' } }, { 'choice->b': 'test' }),
  114: partial(
    SIMPLE_T,
    [10],
    { achoice: [{ member: 'x', value: 'theX' }, { member: 'y', value: 'theY' }, null] },
    { achoice: [choice('achoice', 0, 'theX'), choice('achoice', 1, 'theY'), null] },
  ),
  115: partial(
    SIMPLE_T,
    [7],
    { any: { any: 'uint', value: 0x600df00d } },
    { any: anyOf('uint', 0x600df00d) },
  ),
  116: partial(SIMPLE_T, [7], { any: { any: null, value: null } }, { any: null }),
  117: partial(
    SIMPLE_T,
    [8],
    {
      anya: [{ any: 'uint', value: 123 }, { any: 'struct { string q }', value: { q: 'theq' } }, null],
    },
    { anya: [anyOf('uint', 123), Value.create(struct('', { q: 'string' }), { q: 'theq' }), null] },
  ),
  118: partial(struct('', { value: 'uint[]' }), [1], { value: new Uint32Array() }),
  119: partial(struct('', { value: 'uint[]' }), [1], { value: new Uint32Array([305419896]) }),
  120: partial(struct('', { value: 'ushort[]' }), [1], { value: new Uint16Array([1, 65535]) }),
  121: partial(struct('', { value: 'double[]' }), [1], { value: new Float64Array([1]) }),
  122: partial(struct('', { value: 'string[]' }), [1], { value: ['hello', 'world'] }),
  123: bits(0, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21, 25, 26, 27, 28),
  124: partial(ntScalar('double'), [1, 3, 4, 5, 7, 8, 9], {
    value: 38,
    'alarm.severity': 0,
    'alarm.status': 0,
    'alarm.message': 'NO_ALARM',
    'timeStamp.secondsPastEpoch': 0x6071c43dn,
    'timeStamp.nanoseconds': 0x1695c899,
    'timeStamp.userTag': 0,
  }),
  125: partial(NT_ENUM, [2, 3, 5, 6, 7, 9, 10, 11, 13], {
    'value.index': 0,
    'value.choices': ['Zero', 'One', 'Two'],
    'alarm.severity': 0,
    'alarm.status': 0,
    'alarm.message': '',
    'timeStamp.secondsPastEpoch': 0x6b00f51an,
    'timeStamp.nanoseconds': 0x1ec92c5b,
    'timeStamp.userTag': 0,
    'display.description': '',
  }),
  126: partial(NT_ENUM, [2], { 'value.index': 2 }),

  127: request(
    { record: { _options: { queueSize: '4', pipeline: 'true' } } },
    `80 00 01 06 72 65 63 6f 72 64 80 00 01 08 5f 6f 70 74 69 6f 6e 73 80 00 02 09 71 75 65 75 65 53 69 7a 65 60
     08 70 69 70 65 6c 69 6e 65 60 01 34 04 74 72 75 65`,
  ),
  128: request({ field: { value: {} } }),
  129: request({ field: { value: {} } }, '80 00 01 05 66 69 65 6c 64 80 00 01 05 76 61 6c 75 65 80 00 00'),
  130: request({ field: {} }),
  131: request({}, '80 00 00'),
  132: request(
    { field: { value: {} }, record: { _options: { pipeline: 'true', queueSize: '4' } } },
    undefined,
    4,
  ),

  // The library refuses to declare such a name; a peer may.
  133: type(new TypeDef('struct', 'none', 0, '', [{ name: 'in-valid', type: typeOf('uint') }])),
  134: nullBitSet(),
  135: type(struct('', { value: 'uint', other: 'uint' })),
  136: type(
    NT_ENUM_3,
    `80 13 65 70 69 63 73 3a 6e 74 2f 4e 54 45 6e 75 6d 3a 31 2e 30 03
     05 76 61 6c 75 65 80 06 65 6e 75 6d 5f 74 02 05 69 6e 64 65 78 22 07 63 68 6f 69 63 65 73 68
     05 61 6c 61 72 6d 80 07 61 6c 61 72 6d 5f 74 03 08 73 65 76 65 72 69 74 79 22 06 73 74 61 74 75 73 22
     07 6d 65 73 73 61 67 65 60 09 74 69 6d 65 53 74 61 6d 70 80 00 03
     10 73 65 63 6f 6e 64 73 50 61 73 74 45 70 6f 63 68 23 0b 6e 61 6e 6f 73 65 63 6f 6e 64 73 22
     07 75 73 65 72 54 61 67 22`,
    { 5: ENUM_T, 2: ALARM_T, 3: NT_ENUM_3.member('timeStamp') as TypeDef },
  ),
};
