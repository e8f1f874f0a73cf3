/** The TypeScript in documents for users has no type errors, loads as a processor file, and does what is said of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as pva from 'epics-pva-ts';
import { NTNDArray, type Value } from 'epics-pva-ts';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import * as hpc from '../../src/index.ts';
import { loadProcessorClass } from '../../src/processor/load-processor.ts';
import type { PvObject, UserDataProcessor } from '../../src/processor/user-data-processor.ts';
import { ROOT } from '../e2e/support/world.ts';
import { type CodeBlock, codeBlocks, documents } from './support/documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'epics-hpc-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const blocks = documents()
  .filter((file) => !file.startsWith('packages/'))
  .flatMap((file) => codeBlocks(file, 'ts'));

function write(block: CodeBlock): string {
  const path = join(folder, `${block.file.replaceAll(/\W/g, '-')}-${block.line}.ts`);
  writeFileSync(path, block.text);
  return path;
}

/** A processor of a document, and what it publishes. */
async function load(className: string, config: object = {}) {
  const block = blocks.find((one) => one.text.includes(`export class ${className} `));
  if (!block) throw new Error(`no document has a class ${className}`);
  const Processor = await loadProcessorClass({
    processorFile: write(block),
    processorClass: className,
    builtins: {},
    virtualModules: { 'epics-hpc': hpc, 'epics-pva-ts': pva },
  });
  const processor = new Processor!({ ...config }) as UserDataProcessor;
  const published: PvObject[] = [];
  processor.dataPublisher = { publish: (object) => published.push(object) };
  return { processor, published };
}

function image(uniqueId: number, pixels = new Uint8Array([1, 2, 3, 4, 5, 6])): NTNDArray {
  return NTNDArray.create({ pixels, dimensions: [3, 2], uniqueId });
}

describe('TypeScript in documents', () => {
  it('has no type errors with the settings the documents give', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    const [settings] = codeBlocks('docs/how-to/write-a-processor.md', 'json');
    const given = JSON.parse(settings?.text.replaceAll('/path/to/checkout/', `${ROOT}/`) ?? '');
    const { options, errors } = ts.convertCompilerOptionsFromJson(given.compilerOptions, folder);
    expect(errors).toEqual([]);
    const files = blocks.map(write);
    // A file elsewhere has no packages around it: its folder has none, and no types are looked for.
    const program = ts.createProgram(files, { ...options, types: [], skipLibCheck: true });
    const found = ts.getPreEmitDiagnostics(program).map((d) => {
      const place = d.file ? `${d.file.fileName.slice(folder.length + 1)}: ` : '';
      return place + ts.flattenDiagnosticMessageText(d.messageText, ' ');
    });
    expect(found).toEqual([]);
  });

  it('is tested below or in a test of its own, all of it', () => {
    const classes = blocks.flatMap((block) =>
      Array.from(block.text.matchAll(/^export class (\w+)/gm), ([, name]) => name),
    );
    expect(classes.sort()).toEqual([
      'ColorMeans',
      'Darkest',
      'Entropy',
      'EveryNth',
      'IdReporter',
      'Sum',
      'SumOfAll',
      'Threshold',
      'UpsideDown',
    ]);
  });
});

describe('docs/how-to/write-a-processor.md', () => {
  it('EveryNth publishes every n-th image, n from the arguments and from configure', async () => {
    const { processor, published } = await load('EveryNth', { every: 3 });
    for (let id = 1; id <= 7; id++) processor.process(image(id));
    expect(published.map((frame) => frame.get('uniqueId'))).toEqual([3, 6]);
    await processor.configure({ every: 5 });
    for (let id = 8; id <= 12; id++) processor.process(image(id));
    expect(published.map((frame) => frame.get('uniqueId'))).toEqual([3, 6, 10]);
  });

  it('UpsideDown turns the image and leaves the received pixels alone', async () => {
    const { processor, published } = await load('UpsideDown');
    const pixels = new Uint8Array([1, 2, 3, 4, 5, 6]);
    processor.process(image(1, pixels));
    expect((published[0] as NTNDArray).pixels).toEqual(new Uint8Array([6, 5, 4, 3, 2, 1]));
    expect(pixels[0]).toBe(1);
  });

  it('ColorMeans tells the mean of each colour, in any mode', async () => {
    const { processor } = await load('ColorMeans');
    expect(processor.getStats()).toEqual({ means: [] });
    processor.process(image(1));
    expect(processor.getStats()).toEqual({ means: [3.5] });
    // RGB3: a plane for each colour.
    const pixels = Uint8Array.of(1, 2, 10, 20, 100, 200);
    const colour = NTNDArray.create({ uniqueId: 2, pixels, dimensions: [2, 1, 3], colorMode: 4 });
    processor.process(colour.compress('lz4'));
    expect(processor.getStats()).toEqual({ means: [1.5, 15, 150] });
    expect(Object.keys(processor.getStatsPvaTypes())).toEqual(['means']);
  });

  it('Sum publishes a structure of its own', async () => {
    const { processor, published } = await load('Sum');
    processor.process(image(7));
    expect((published[0] as Value).toJS()).toEqual({ uniqueId: 7, sum: 21 });
    expect(processor.getOutputPvObjectType(image(1))).toBe((published[0] as Value).type);
  });

  it('IdReporter sends ids, and reports as lost those that do not arrive', async () => {
    const arrived: string[] = [];
    let status = 200;
    const service = createServer(async (request, response) => {
      arrived.push(await text(request));
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/ids`;
    const { processor } = await load('IdReporter', { url, atOnce: 3 });
    const errors: string[] = [];
    processor.logger = { error: (message: string) => void errors.push(message) } as never;
    let lost = 0;
    processor.onLoss = (count) => {
      lost += count;
    };
    for (let id = 1; id <= 4; id++) await processor.process(image(id));
    expect([arrived, lost]).toEqual([['1,2,3'], 0]);
    status = 503;
    for (let id = 5; id <= 7; id++) await processor.process(image(id));
    expect([arrived, lost]).toEqual([['1,2,3', '4,5,6'], 3]);
    expect(errors).toEqual([`${url}: 3 id(s) lost: status 503`]);
    service.closeAllConnections();
    await new Promise((resolve) => service.close(resolve));
    await processor.stop();
    expect(lost).toBe(4);
  });
});

describe('docs/how-to/processor-workers.md', () => {
  it('Entropy marks an image with its entropy and its worker', async () => {
    const { processor, published } = await load('Entropy', { workerId: 3, nWorkers: 4 });
    processor.process(image(1));
    processor.process(image(2, new Uint8Array([1, 1, 1, 2, 2, 2])));
    expect((published[0] as NTNDArray).attribute('Entropy')).toBeCloseTo(Math.log2(6));
    expect((published[1] as NTNDArray).attribute('Entropy')).toBe(1);
    expect((published[0] as NTNDArray).attribute('Worker')).toBe(3);
  });

  it('SumOfAll has the sum of all images so far, and is for one worker', async () => {
    const { processor, published } = await load('SumOfAll');
    for (const id of [1, 2]) processor.process(image(id, new Uint8Array([1, 1, 1, 2, 2, 2])));
    expect(published.map((frame) => (frame as NTNDArray).attribute('SumOfAll'))).toEqual([9, 18]);
    expect((processor.constructor as { workers?: unknown }).workers).toBe(false);
  });
});

describe('docs/tutorial.md', () => {
  it('Darkest marks an image with its darkest pixel', async () => {
    const { processor, published } = await load('Darkest');
    processor.process(image(1));
    expect((published[0] as NTNDArray).attribute('Darkest')).toBe(1);
    expect(processor.getStats()).toEqual({ limit: 10, nDark: 1 });
    await processor.configure({ limit: 1 });
    processor.process(image(2));
    expect(processor.getStats()).toEqual({ limit: 1, nDark: 1 });
    processor.resetStats();
    expect(processor.getStats()).toEqual({ limit: 1, nDark: 0 });
  });
});
