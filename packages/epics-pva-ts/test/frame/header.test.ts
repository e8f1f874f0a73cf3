import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../src/errors.ts';
import { Command, ControlCommand, commandName } from '../../src/frame/command.ts';
import {
  decodeHeader,
  HEADER_SIZE,
  newHeader,
  Segment,
  writeControl,
  writeHeader,
} from '../../src/frame/header.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { fromHex } from '../support/hex.ts';

describe('message header', () => {
  it.each([
    ['ca 02 00 03 2a 00 00 00', { command: 3, length: 42 }],
    ['ca 02 80 03 00 00 00 2a', { command: 3, length: 42, littleEndian: false }],
    ['ca 02 c0 04 00 00 00 2d', { command: 4, length: 45, littleEndian: false, fromServer: true }],
    ['ca 03 40 0a ff ff ff ff', { command: 10, length: 0xffffffff, fromServer: true, version: 3 }],
    ['ca 02 10 0b 10 00 00 00', { command: 11, length: 16, segment: Segment.FIRST }],
    ['ca 02 30 0b 00 71 02 00', { command: 11, length: 160_000, segment: Segment.MIDDLE }],
    ['ca 02 20 0b 00 00 00 00', { command: 11, length: 0, segment: Segment.LAST }],
    ['ca 02 41 02 00 00 00 00', { command: 2, length: 0, fromServer: true, control: true }],
    [
      'ca 02 c1 02 00 00 00 00',
      { command: 2, length: 0, fromServer: true, control: true, littleEndian: false },
    ],
    ['ca 09 0e 02 00 00 00 00', { command: 2, length: 0, version: 9 }],
  ])('decodes %s', (text, fields) => {
    const expected = { ...newHeader(), version: 2, littleEndian: true, ...fields };
    expect(decodeHeader(fromHex(text), 0, newHeader())).toEqual(expected);
    // Behind other bytes, and into an object that has every field set otherwise.
    const used = { ...newHeader(), control: true, fromServer: true, segment: Segment.LAST, length: 7 };
    expect(decodeHeader(Buffer.concat([fromHex('00 ff ca'), fromHex(text)]), 3, used)).toEqual(expected);
  });

  it('decodes into the object given, so that a connection needs one', () => {
    const header = newHeader();
    expect(decodeHeader(fromHex('ca 02 00 03 2a 00 00 00'), 0, header)).toBe(header);
  });

  it.each([
    'cb 02 00 03 00 00 00 00',
    '47 45 54 20 2f 20 48 54',
    '00 00 00 00 00 00 00 00',
    'ca 00 00 03 00 00 00 00',
  ])('refuses %s', (text) => {
    expect(() => decodeHeader(fromHex(text), 0, newHeader())).toThrow(DecodeError);
  });

  it('refuses what is not there', () => {
    expect(() => decodeHeader(Buffer.alloc(0), 0, newHeader())).toThrow(DecodeError);
  });

  it.each([true, false])('writes what it reads (little endian: %s)', (littleEndian) => {
    for (const fromServer of [true, false]) {
      for (const segment of Object.values(Segment)) {
        const w = new WireWriter(littleEndian);
        writeHeader(w, Command.MONITOR, fromServer, 0x01020304, segment);
        const written = w.finishBytes();
        expect(written.length).toBe(HEADER_SIZE);
        expect(decodeHeader(written, 0, newHeader())).toEqual({
          version: 2,
          command: Command.MONITOR,
          control: false,
          segment,
          fromServer,
          littleEndian,
          length: 0x01020304,
        });
      }
    }
  });

  it('is the captured one of a whole message in both orders', () => {
    for (const [littleEndian, text] of [
      [true, 'ca 02 40 02 06 00 00 00'],
      [false, 'ca 02 c0 02 00 00 00 06'],
    ] as const) {
      const w = new WireWriter(littleEndian);
      writeHeader(w, Command.ECHO, true, 6);
      expect(w.finishBytes()).toEqual(fromHex(text));
    }
  });

  it('writes SET_BYTE_ORDER in both orders', () => {
    for (const [littleEndian, text] of [
      [true, 'ca 02 41 02 00 00 00 00'],
      [false, 'ca 02 c1 02 00 00 00 00'],
    ] as const) {
      const w = new WireWriter(littleEndian);
      writeControl(w, ControlCommand.SET_BYTE_ORDER, true);
      expect(w.finishBytes()).toEqual(fromHex(text));
    }
  });
});

describe('command names', () => {
  it('names known commands and shows unknown ones as hex', () => {
    expect(commandName(Command.CREATE_CHANNEL)).toBe('CREATE_CHANNEL');
    expect(commandName(0x7f)).toBe('command 0x7f');
  });
});
