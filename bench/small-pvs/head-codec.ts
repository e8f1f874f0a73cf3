/**
 * Encoding and decoding the head of an NTNDArray, all fields but the pixels, in this process: the library's own way from
 * a Value to bytes and back, as a monitor update takes it. There is no peer: p4p does not show its codec.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NTNDArray, type Value } from 'epics-pva-ts';
import { repositoryRoot } from '../peers/python-env.ts';
import { type Figure, median } from '../result.ts';

/** What is measured is not part of the public API: it is taken from the library's build. */
async function internal<T>(file: string): Promise<T> {
  const path = join(repositoryRoot(), 'packages', 'epics-pva-ts', 'dist', 'src', file);
  return (await import(pathToFileURL(path).href)) as T;
}

interface Writer {
  finish(): Uint8Array[];
}
interface Internals {
  readonly WireWriter: new (littleEndian: boolean, capacity: number, referenceFrom: number) => Writer;
  readonly WireReader: new (bytes: Uint8Array) => { reset(...at: unknown[]): unknown; bytes: Uint8Array };
  readonly DecodeContext: new (types: undefined, viewFrom: number) => { begin(bytes: number): void };
  readonly Value: {
    decodePartial(type: unknown, reader: unknown, context: unknown, lazy?: boolean): Value;
  };
}

async function internals(): Promise<Internals> {
  return {
    ...(await internal<Pick<Internals, 'WireWriter'>>('wire/writer.js')),
    ...(await internal<Pick<Internals, 'WireReader'>>('wire/reader.js')),
    ...(await internal<Pick<Internals, 'DecodeContext'>>('value/decode-context.js')),
    ...(await internal<Pick<Internals, 'Value'>>('value/value.js')),
  };
}

/** As detectors send it: two dimensions, both time stamps, sizes; pixels large enough to go by reference. */
function frame(withAttribute: boolean): Value {
  const array = NTNDArray.create({
    pixels: new Uint8Array(512 * 512),
    dimensions: [512, 512],
    uniqueId: 12_345,
    ...(withAttribute ? { colorMode: 0 } : {}),
  });
  return array.value.mark();
}

/** Every field but `value` is read, as a program would that wants them all. */
function readAll(paths: readonly string[], value: Value): number {
  let n = 0;
  for (const path of paths) if (value.get(path) !== undefined) n++;
  return n;
}

export interface HeadCodecOptions {
  /** Encodings and decodings of each round, and rounds. */
  readonly times: number;
  readonly rounds: number;
}

export async function headCodec({ times, rounds }: HeadCodecOptions): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const withAttribute of [false, true])
    figures.push(...(await measured(frame(withAttribute), withAttribute, { times, rounds })));
  return figures;
}

async function measured(
  value: Value,
  withAttribute: boolean,
  { times, rounds }: HeadCodecOptions,
): Promise<Figure[]> {
  const { WireWriter, WireReader, DecodeContext, Value: ValueClass } = await internals();
  const writer = new WireWriter(true, 64 * 1024, 4096);
  const encode = (): Uint8Array[] => {
    value.encodePartial(writer as never);
    return writer.finish();
  };
  const bytes = Buffer.concat(encode());
  const reader = new WireReader(bytes);
  const context = new DecodeContext(undefined, 8192);
  const decode = (lazy: boolean): Value => {
    reader.reset(reader.bytes, true, 0, bytes.length);
    context.begin(bytes.length);
    return ValueClass.decodePartial(value.type, reader, context, lazy);
  };
  const paths = value.type.nodes.filter((n) => !n.isStruct && n.path !== 'value').map((n) => n.path);

  const ways: readonly [name: string, goal: boolean, run: () => unknown][] = [
    ['encode', !withAttribute, encode],
    ['decode', !withAttribute, () => decode(false)],
    ['decode when asked for, every field read', false, () => readAll(paths, decode(true))],
  ];
  const took = ways.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round++)
    for (const [i, [, , run]] of ways.entries()) {
      const start = process.cpuUsage();
      for (let k = 0; k < times; k++) run();
      // CPU time, so that a busy machine counts little. The first round warms up.
      const { user, system } = process.cpuUsage(start);
      if (round > 0) took[i]?.push((user + system) / times);
    }
  const what = withAttribute ? 'NTNDArray head with an attribute' : 'NTNDArray head';
  return ways.map(([name, isGoal], i) => ({
    what: `${what}: ${name}`,
    unit: 'us',
    ours: median(took[i] as number[]),
    ...(isGoal ? { goal: 3 } : {}),
    better: 'less',
    runs: took[i],
  }));
}
