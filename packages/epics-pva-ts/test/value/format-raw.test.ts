/** pvget's raw format, byte for byte: the examples of pva-protocol.md 9.1 and what pvData itself printed. */
import { describe, expect, it } from 'vitest';
import { AnyValue, UnionValue } from '../../src/value/containers.ts';
import { formatValue } from '../../src/value/format.ts';
import { arrayOf, struct, typeOf, union } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { BitSet } from '../../src/wire/bit-set.ts';
import {
  ALARM,
  at,
  inTimeZone,
  ntEnum,
  SECONDS,
  scalar,
  TIME,
  TIME_MEMBERS,
} from '../support/format-types.ts';
import { decodePartial, encodePartial } from '../support/image.ts';

inTimeZone('UTC');

const ND_ARRAY = struct('epics:nt/NTNDArray:1.0', {
  value: union('', { booleanValue: 'boolean[]', ubyteValue: 'ubyte[]' }),
  codec: struct('codec_t', { name: 'string', parameters: 'any' }),
  compressedSize: 'long',
  dimension: arrayOf(
    struct('dimension_t', {
      size: 'int',
      offset: 'int',
      fullSize: 'int',
      binning: 'int',
      reverse: 'boolean',
    }),
  ),
  uniqueId: 'int',
  dataTimeStamp: TIME,
  attribute: arrayOf(struct('epics:nt/NTAttribute:1.0', { name: 'string', value: 'any', alarm: ALARM })),
  descriptor: 'string',
  alarm: ALARM,
});

describe('mode raw', () => {
  it('prints the tree of the reference', () => {
    const value = ntEnum(
      {
        value: { index: 2, choices: ['Zero', 'One', 'Two'] },
        alarm: { message: 'NO_ALARM' },
        timeStamp: at(245_735_878),
      },
      struct('', TIME_MEMBERS),
    );
    expect(formatValue(value, { name: 't:mbbo', mode: 'raw' })).toBe(
      [
        't:mbbo epics:nt/NTEnum:1.0 ',
        '    enum_t value (2) Two',
        '        int index 2',
        '        string[] choices [Zero, One, Two]',
        '    alarm_t alarm ',
        '        int severity 0',
        '        int status 0',
        '        string message NO_ALARM',
        '    structure timeStamp',
        '        long secondsPastEpoch 1795224806',
        '        int nanoseconds 245735878',
        '        int userTag 0',
        '',
      ].join('\n'),
    );
  });

  it('puts time and alarm behind time_t and alarm_t', () => {
    const value = scalar('double', {
      value: 3.25,
      alarm: { severity: 1, status: 3, message: 'HIGH' },
      timeStamp: { secondsPastEpoch: SECONDS + 35n, nanoseconds: 313_000_000 },
    });
    const lines = formatValue(value, { mode: 'raw' }).split('\n');
    expect(lines).toContain('    double value 3.25');
    expect(lines).toContain('    alarm_t alarm MINOR RECORD HIGH ');
    expect(lines).toContain('    time_t timeStamp 2026-11-21 01:34:01.313  ');
  });

  it('is also what an NTNDArray gets in mode nt', () => {
    const value = Value.create(ND_ARRAY, {
      'value->ubyteValue': new Uint8Array([1, 2, 3, 4, 5, 6]),
      dimension: [
        { size: 2, fullSize: 2, binning: 1 },
        { size: 3, fullSize: 3, binning: 1 },
      ],
      uniqueId: 5,
    });
    expect(formatValue(value, { name: 'p:img' })).toBe(
      [
        'p:img epics:nt/NTNDArray:1.0 ',
        '    union value',
        '        ubyte[]  [1,2,3,4,5,6]',
        '    codec_t codec',
        '        string name ',
        '        any parameters',
        '            (none)',
        '    long compressedSize 0',
        '    dimension_t[] dimension',
        '        dimension_t ',
        '            int size 2',
        '            int offset 0',
        '            int fullSize 2',
        '            int binning 1',
        '            boolean reverse false',
        '        dimension_t ',
        '            int size 3',
        '            int offset 0',
        '            int fullSize 3',
        '            int binning 1',
        '            boolean reverse false',
        '    int uniqueId 5',
        '    time_t dataTimeStamp <undefined>              ',
        '        long secondsPastEpoch 0',
        '        int nanoseconds 0',
        '        int userTag 0',
        '    epics:nt/NTAttribute:1.0[] attribute',
        '    string descriptor ',
        '    alarm_t alarm ',
        '        int severity 0',
        '        int status 0',
        '        string message ',
        '',
      ].join('\n'),
    );
  });

  it('prints no summary inside arrays of structures', () => {
    const value = Value.create(ND_ARRAY, {
      attribute: [{ name: 'ColorMode', value: 2, alarm: { severity: 1 } }, null],
    });
    expect(formatValue(value)).toContain(
      [
        '    epics:nt/NTAttribute:1.0[] attribute',
        '        epics:nt/NTAttribute:1.0 ',
        '            string name ColorMode',
        '            any value',
        '                double  2',
        '            alarm_t alarm',
        '                int severity 1',
        '                int status 0',
        '                string message ',
        '        (none)',
        '    string descriptor ',
      ].join('\n'),
    );
  });

  it('prints unions and any of every form', () => {
    const choice = union('my_u', { a: 'int', s: struct('', { x: 'string' }) });
    const type = struct('omg', { u: choice, ua: arrayOf(choice), anything: 'any', many: 'any[]' });
    const value = Value.create(type, {
      ua: [new UnionValue(choice, 0, 7), null, new UnionValue(choice, -1, null)],
      anything: new AnyValue(typeOf('string[]'), ['a', 'b c']),
      many: [new AnyValue(null, null), new AnyValue(typeOf('double'), 1.5)],
    });
    value.set('u->s', { x: 'deep' });
    expect(formatValue(value)).toBe(
      [
        'omg ',
        '    my_u u',
        '        structure ',
        '            string x deep',
        '    my_u[] ua',
        '        my_u ',
        '            int  7',
        '        (none)',
        '        my_u ',
        '            (none)',
        '    any anything',
        '        string[]  [a, "b c"]',
        '    any[] many',
        '        any ',
        '            (none)',
        '        any ',
        '            double  1.5',
        '',
      ].join('\n'),
    );
  });

  const everything = struct('omg', {
    scalar: 'string',
    scalarArray: 'string[]',
    below: struct('', { A: 'int', more: 'int[]' }),
    anything: 'any',
  });

  it('shows only chosen fields, with the structures around them', () => {
    const value = Value.create(everything, { scalarArray: ['hello', 'world\x7f'] });
    expect(formatValue(value, { show: BitSet.of(1, 4) })).toBe(
      'omg \n    string scalar \n    structure below\n        int A 0\n',
    );
    expect(formatValue(value, { changedOnly: true })).toBe(
      'omg \n    string[] scalarArray [hello, "world\\x7F"]\n',
    );
    expect(formatValue(value, { show: BitSet.of(3) })).toBe(
      'omg \n    structure below\n        int A 0\n        int[] more []\n',
    );
  });

  it('shows what an update brought', () => {
    const bytes = encodePartial(Value.create(everything, { below: { A: 3 } }));
    expect(formatValue(decodePartial(everything, bytes), { changedOnly: true })).toBe(
      'omg \n    structure below\n        int A 3\n',
    );
    expect(formatValue(decodePartial(everything, Buffer.from([0])), { changedOnly: true })).toBe('');
  });

  it('shows the changes in a sub-structure by itself', () => {
    const value = Value.create(everything, { below: { A: 3 } });
    expect(formatValue(value.get('below') as Value, { changedOnly: true, mode: 'raw' })).toBe(
      'structure \n    int A 3\n',
    );
  });

  it('prints chosen fields in bold', () => {
    const value = Value.create(everything, { scalarArray: ['hello'] });
    expect(formatValue(value, { highlight: BitSet.of(1, 2, 4) })).toBe(
      [
        'omg ',
        '\x1b[1m    string scalar ',
        '\x1b[0m\x1b[1m    string[] scalarArray [hello]',
        '\x1b[0m    structure below',
        '\x1b[1m        int A 0',
        '\x1b[0m        int[] more []',
        '    any anything',
        '        (none)',
        '',
      ].join('\n'),
    );
  });

  it('is what a control channel of the framework gets', () => {
    const type = struct('', {
      consumerId: 'uint',
      objectTime: 'double',
      objectTimestamp: TIME,
      command: 'string',
      args: 'string',
      statusMessage: 'string',
    });
    const value = Value.create(type, {
      consumerId: 1,
      objectTime: 1795224806.5,
      objectTimestamp: at(500_000_000),
      command: 'configure',
      args: '{"x":100}',
      statusMessage: 'Configuration successful',
    });
    expect(formatValue(value, { name: 'consumer:1:control' })).toBe(
      [
        'consumer:1:control structure ',
        '    uint consumerId 1',
        '    double objectTime 1.79522e+09',
        '    time_t objectTimestamp 2026-11-21 01:33:26.500  ',
        '        long secondsPastEpoch 1795224806',
        '        int nanoseconds 500000000',
        '        int userTag 0',
        '    string command configure',
        '    string args "{\\"x\\":100}"',
        '    string statusMessage "Configuration successful"',
        '',
      ].join('\n'),
    );
  });
});
