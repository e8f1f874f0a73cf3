/** An NTNDArray update with something in every field, and how updates are read and written in tests. */
import { DecodeContext } from '../../src/value/decode-context.ts';
import type { TypeDef } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { WireReader } from '../../src/wire/reader.ts';
import { WireWriter } from '../../src/wire/writer.ts';
import { NT_NDARRAY } from './types.ts';

/** `seed` goes into every number; the image has `pixels` 16-bit pixels. */
export function imageUpdate(seed: number, pixels = 4096): Value {
  const time = { secondsPastEpoch: BigInt(1_700_000_000 + seed), nanoseconds: seed, userTag: seed };
  return Value.create(NT_NDARRAY, {
    'value->ushortValue': Uint16Array.from({ length: pixels }, (_, i) => (i * 7 + seed) & 0xffff),
    codec: { name: `codec-${seed}`, parameters: new Float64Array([seed, 0.5]) },
    compressedSize: pixels * 2,
    uncompressedSize: pixels * 2,
    uniqueId: seed,
    dataTimeStamp: time,
    alarm: { severity: seed % 4, status: 1, message: `alarm ${seed}` },
    timeStamp: time,
    dimension: [{ size: pixels, fullSize: pixels, binning: 1 }, { size: 1 }],
    attribute: [
      {
        name: `attribute ${seed}`,
        value: seed,
        tags: ['a', String(seed)],
        source: 'Driver',
        timeStamp: time,
      },
      null,
      { name: 'spectrum', value: Float32Array.from({ length: 300 }, (_, i) => i + seed) },
    ],
  });
}

export function encodePartial(v: Value, littleEndian = true): Buffer {
  const w = new WireWriter(littleEndian);
  v.encodePartial(w);
  return w.finishBytes();
}

export function decodePartial(
  type: TypeDef,
  bytes: Uint8Array,
  options: { littleEndian?: boolean; lazy?: boolean; context?: DecodeContext } = {},
): Value {
  const { littleEndian = true, lazy = false, context = new DecodeContext() } = options;
  return Value.decodePartial(type, new WireReader(bytes, littleEndian), context, lazy);
}
