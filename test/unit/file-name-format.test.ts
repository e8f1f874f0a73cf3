/** Names of output files, as Python's str.format makes them. */
import { describe, expect, it } from 'vitest';
import { fileNameFormat } from '../../processors/file-name-format.ts';

describe('names of files', () => {
  const fields = { frameId: 42, uniqueId: 42, objectId: 42, processorId: 3, outputFileId: 7 };
  it.for([
    ['{uniqueId:06}.{processorId}.tiff', '000042.3.tiff'],
    ['{frameId:06d}-{objectId}', '000042-42'],
    ['{outputFileId:3}{{x}}', '  7{x}'],
    ['{uniqueId:04x}_{uniqueId:X}', '002a_2A'],
    ['scan 1.npy', 'scan 1.npy'],
  ])('%s', ([format, name]) => {
    expect(fileNameFormat(format).name(fields)).toBe(name);
  });

  it('of negative ids have their zeros behind the sign', () => {
    expect(fileNameFormat('{uniqueId:06}').name({ ...fields, uniqueId: -42 })).toBe('-00042');
  });

  it.for([
    [
      '{imageId}.tiff',
      '{imageId} is not a field; those are {frameId}, {uniqueId}, {objectId}, {processorId}, {outputFileId}',
    ],
    ['{uniqueId:.2f}.tiff', "'.2f' is no width; write for example {uniqueId:06}"],
    ['a{b.tiff', "a single '{'; write {{ for one in the name"],
    ['../{uniqueId}.tiff', 'a name, not a path: give the folder as outputDirectory'],
  ])('%s is refused', ([format, reason]) => {
    expect(() => fileNameFormat(format)).toThrow(`argument outputFileNameFormat: "${format}": ${reason}`);
  });
});
