/** The Python of docs/reference/encryption-envelope.md reads what EncryptProcessor publishes, as it stands there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnyValue, arrayOf, NTNDArray, struct, typeOf, UnionValue, union, Value } from 'epics-pva-ts';
import { afterAll, describe, expect, it } from 'vitest';
import { EncryptProcessor } from '../../processors/encrypt-processor.ts';
import type { PvObject } from '../../src/processor/user-data-processor.ts';
import { codeBlocks } from '../docs/support/documents.ts';
import { ensureEnvelopePython } from './peers.ts';

const peers = await ensureEnvelopePython();
const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => 200 - i));
const folder = mkdtempSync(join(tmpdir(), 'epics-hpc-envelope-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What Python reads of objects encrypted here. */
function readByPython(objects: readonly PvObject[], algorithm: string): unknown[] {
  const keyFile = join(folder, 'stream.key');
  writeFileSync(keyFile, KEY, { mode: 0o600 });
  const processor = new EncryptProcessor({ keyFile, algorithm } as never);
  const lines: string[] = [];
  processor.dataPublisher = {
    publish: (object) => lines.push(Buffer.from(object.get('data') as Uint8Array).toString('hex')),
  };
  for (const object of objects) processor.process(object);
  const [code] = codeBlocks('docs/reference/encryption-envelope.md', 'python');
  // As the document's last lines, but in JSON.
  const program = code?.text
    .replace(/^import msgpack$/m, 'import json\nimport msgpack')
    .replace(/print\((decrypt\(.*\))\)$/m, 'print(json.dumps($1))');
  const script = join(folder, 'decrypt.py');
  writeFileSync(script, program ?? '');
  const output = execFileSync(peers.python, [script, KEY.toString('hex')], {
    input: `${lines.join('\n')}\n`,
  });
  return output
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Plain data as JSON has it. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}

describe.skipIf(!peers.available)('encrypted objects in Python', () => {
  it.each(['A256GCM', 'C20P'])('are images with every type of pixels (%s)', (algorithm) => {
    const arrays = [
      Int8Array.of(-1, 2),
      Int16Array.of(-1, 256),
      Int32Array.of(-1, 65_536),
      BigInt64Array.of(-1n, 2n),
      Uint8Array.of(1, 255),
      Uint16Array.from({ length: 70_000 }, (_, i) => i),
      Uint32Array.of(1, 2 ** 32 - 1),
      BigUint64Array.of(1n, 2n),
      Float32Array.of(1.5, -2),
      Float64Array.of(0.1, 1e300),
      [true, false],
    ];
    const frames = arrays.map((pixels, i) =>
      NTNDArray.create({ pixels, uniqueId: i + 1, attributes: { Gain: 1.5, Name: 'x' }, colorMode: 0 }),
    );
    const read = readByPython(frames, algorithm);
    expect(read).toEqual(frames.map((frame) => [frame.uniqueId, plain(frame.value.toJS())]));
  });

  it('are structures with members of every kind', () => {
    const type = struct('every:1.0', {
      uniqueId: 'ulong',
      names: 'string[]',
      choice: union('', { i: 'int', s: 'string' }),
      none: union('', { i: 'int' }),
      any: 'any',
      nothing: 'any',
      parts: arrayOf(struct('part', { x: 'double', flag: 'boolean' })),
      choices: arrayOf(union('', { i: 'int', s: 'string' })),
      anys: 'any[]',
      inner: struct('', { text: 'string', numbers: 'float[]' }),
    });
    const value = Value.create(type, {
      uniqueId: 12n,
      names: ['a', 'grüße', 'x'.repeat(300)],
      choice: new UnionValue(type.node('choice').type, 1, 'yes'),
      any: new AnyValue(typeOf('double[]'), Float64Array.of(1, 2)),
      parts: [{ x: 1.5, flag: true }, null],
      inner: { text: 'deep', numbers: [1, 2.5] },
    });
    expect(readByPython([value], 'A256GCM')).toEqual([[12, plain(value.toJS())]]);
  });
});
