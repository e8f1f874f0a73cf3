import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FileFrames } from '../../sim/file-frames.ts';
import { openInput } from '../../sim/input-files.ts';
import { NpyFile } from '../../sim/npy-file.ts';

// Files as numpy 2.4 writes them (numpy.save, numpy.lib.format.write_array), base64.
/** numpy.save of (numpy.arange(24) * 1000).astype('>u2').reshape(2, 3, 4) */
const NUMPY_U2_BIG_ENDIAN =
  'k05VTVBZAQB2AHsnZGVzY3InOiAnPnUyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMsIDQpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAPoB9ALuA+gE4gXcBtYH0AjKCcQKvgu4DLINrA6mD6AQmhGUEo4TiBSCFXwWdg=';
/** Version 2.0: [[1.5, -2.25, 1e300], [0, 3, -1]], float64 */
const NUMPY_F8_VERSION_2 =
  'k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAD4PwAAAAAAAALAnHUAiDzkN34AAAAAAAAAAAAAAAAAAAhAAAAAAAAA8L8=';
/** Version 3.0: [[-2**63, 2**63 - 1]], int64 */
const NUMPY_I8_VERSION_3 =
  'k05VTVBZAwB0AAAAeydkZXNjcic6ICc8aTgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAgP////////9/';
/** [[[True, False], [False, True]]] */
const NUMPY_BOOL =
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIsIDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAB';
/** numpy.arange(24, dtype='u1').reshape(2, 2, 2, 3) */
const NUMPY_RGB =
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIsIDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhc=';
/** numpy.asfortranarray(numpy.arange(6, dtype='u1').reshape(2, 3)) */
const NUMPY_FORTRAN =
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAwEEAgU=';
/** numpy.array([[1, 'a']], dtype=object) */
const NUMPY_OBJECT =
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqABJWSAAAAAAAAAIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwFLAoaUaAOMBWR0eXBllJOUjAJPOJSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0s/dJRiiV2UKEsBjAFhlGV0lGIu';
/** numpy.zeros((1, 1), dtype=[('shape', 'i4')]) */
const NUMPY_RECORD =
  'k05VTVBZAQB2AHsnZGVzY3InOiBbKCdzaGFwZScsICc8aTQnKV0sICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgxLCAxKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAA';

let directory: string;
let nFiles = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'npy-frames-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A version 1 file of this header text and these bytes of data. */
function npy(header: string, data: Uint8Array | number = 0): Buffer {
  const text = `${header}${' '.repeat(63 - ((10 + header.length) % 64))}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  const bytes = typeof data === 'number' ? Buffer.alloc(data) : data;
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(text), bytes]);
}

function array(descr: string, shape: string, data: Uint8Array | number = 0): Buffer {
  return npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`, data);
}

function write(bytes: Uint8Array | string, name?: string): string {
  nFiles += 1;
  const path = join(directory, name ?? `file${nFiles}.npy`);
  writeFileSync(path, typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : bytes);
  return path;
}

function openPath(path: string): FileFrames {
  return new FileFrames({ files: [new NpyFile(path)] });
}

function open(bytes: Uint8Array | string): FileFrames {
  return openPath(write(bytes));
}

describe('files written by numpy', () => {
  it('(frames, ny, nx), big-endian', () => {
    const source = open(NUMPY_U2_BIG_ENDIAN);
    expect(source.dataType.name).toBe('uint16');
    expect(source.shape).toMatchObject({ nx: 4, ny: 3, colorMode: 0, dimensions: [4, 3] });
    expect(source.nFrames).toBe(2);
    expect(source.frame(1)).toEqual(Uint16Array.from({ length: 12 }, (_, i) => (12 + i) * 1000));
    expect(source.frame(0)).toEqual(Uint16Array.from({ length: 12 }, (_, i) => i * 1000));
    source.close();
  });

  it('(ny, nx) is one frame; versions 2 and 3', () => {
    const floats = open(NUMPY_F8_VERSION_2);
    expect([floats.nFrames, floats.shape.dimensions]).toEqual([1, [3, 2]]);
    expect(floats.frame(0)).toEqual(Float64Array.of(1.5, -2.25, 1e300, 0, 3, -1));
    expect(open(NUMPY_I8_VERSION_3).frame(0)).toEqual(BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n));
  });

  it('bool is uint8', () => {
    const source = open(NUMPY_BOOL);
    expect(source.dataType.name).toBe('uint8');
    expect(source.frame(0)).toEqual(Uint8Array.of(1, 0, 0, 1));
  });

  it('(frames, ny, nx, 3) is RGB1', () => {
    const source = open(NUMPY_RGB);
    expect(source.shape).toMatchObject({ colorMode: 2, dimensions: [3, 2, 2], nElements: 12 });
    expect(source.frame(1)).toEqual(Uint8Array.from({ length: 12 }, (_, i) => 12 + i));
    expect(source.description()[0]).toMatch(/\(2 frames of 2x2 RGB1 uint8\)$/);
  });
});

describe('element types', () => {
  it.each([
    ['|i1', Int8Array.of(-128, 127)],
    ['|u1', Uint8Array.of(0, 255)],
    ['i2', Int16Array.of(-32_768, 258)],
    ['u2', Uint16Array.of(65_535, 258)],
    ['i4', Int32Array.of(-2_147_483_648, 16_909_060)],
    ['u4', Uint32Array.of(4_294_967_295, 16_909_060)],
    ['i8', BigInt64Array.of(-(2n ** 63n), 72_623_859_790_382_856n)],
    ['u8', BigUint64Array.of(2n ** 64n - 1n, 72_623_859_790_382_856n)],
    ['f4', Float32Array.of(1.5, -3e38)],
    ['f8', Float64Array.of(1.5, -1e308)],
  ])('%s in either byte order', (descr, values) => {
    const native = new Uint8Array(values.buffer);
    if (values.BYTES_PER_ELEMENT === 1) {
      expect(open(array(descr, '(1, 2)', native)).frame(0)).toEqual(values);
      return;
    }
    const size = values.BYTES_PER_ELEMENT;
    const reversed = native.map((_, i) => native[i - (i % size) + size - 1 - (i % size)]!);
    const littleEndianHost = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
    const [little, big] = littleEndianHost ? [native, reversed] : [reversed, native];
    expect(open(array(`<${descr}`, '(1, 2)', little)).frame(0)).toEqual(values);
    expect(open(array(`>${descr}`, '(1, 2)', big)).frame(0)).toEqual(values);
    expect(open(array(`=${descr}`, '(1, 2)', native)).frame(0)).toEqual(values);
  });

  it('headers by other writers: double quotes, no spaces, long integers of Python 2', () => {
    const header = '{"shape":(1L,2L),"fortran_order":False,"descr":"|u1"}';
    expect(open(npy(header, Uint8Array.of(7, 9))).frame(0)).toEqual(Uint8Array.of(7, 9));
  });
});

describe('reading', () => {
  it('a frame that was handed out stays as it is, and frames come in any order', () => {
    const source = open(array('|u1', '(3, 1, 2)', Uint8Array.of(1, 2, 3, 4, 5, 6)));
    const last = source.frame(2);
    const first = source.frame(0);
    source.frame(1);
    expect([last, first]).toEqual([Uint8Array.of(5, 6), Uint8Array.of(1, 2)]);
    expect(() => source.frame(3)).toThrow(RangeError);
    expect(() => source.frame(-1)).toThrow(RangeError);
  });

  it('reads single frames by position: the last one of a file of 8 GiB', () => {
    const path = write(array('|u1', '(4096, 1024, 2048)'));
    const size = 128 + 2 ** 33;
    const file = openSync(path, 'r+');
    writeSync(file, Uint8Array.of(42), 0, 1, size - 1);
    closeSync(file);
    const source = openPath(path);
    expect(source.nFrames).toBe(4096);
    const last = source.frame(4095) as Uint8Array;
    expect([last.length, last.indexOf(42), last[0]]).toEqual([2 ** 21, 2 ** 21 - 1, 0]);
    source.close();
    rmSync(path);
  });

  it('says so when the file shrinks while it is used', () => {
    const path = write(array('|u1', '(2, 1, 2)', Uint8Array.of(1, 2, 3, 4)));
    const source = openPath(path);
    truncateSync(path, 131);
    expect(source.frame(0)).toEqual(Uint8Array.of(1, 2));
    expect(() => source.frame(1)).toThrow(`${path}: it has become shorter since it was opened`);
  });

  it('works again after close', () => {
    const source = open(array('|u1', '(1, 2)', Uint8Array.of(1, 2)));
    source.frame(0);
    source.close();
    source.close();
    expect(source.frame(0)).toEqual(Uint8Array.of(1, 2));
    source.close();
  });

  it('tells of bytes behind the array', () => {
    expect(open(array('|u1', '(1, 2)', 5)).description()[0]).toContain('3 bytes behind its first array are');
  });
});

describe('several files', () => {
  let folder: string;
  const one = (value: number) => array('|u1', '(1, 2)', Uint8Array.of(value, value));
  const two = (value: number) => array('|u1', '(2, 1, 2)', Uint8Array.of(value, value, value + 1, value + 1));

  beforeEach(() => {
    folder = mkdtempSync(join(directory, 'd-'));
    mkdirSync(join(folder, 'deeper.npy'));
    writeFileSync(join(folder, 'c.npy'), one(5));
    writeFileSync(join(folder, 'a.npy'), two(1));
    writeFileSync(join(folder, 'b.NPY'), two(3));
    writeFileSync(join(folder, 'notes.txt'), 'no frames');
  });
  const values = (source: FileFrames) => Array.from({ length: source.nFrames }, (_, i) => source.frame(i)[0]);

  it('a directory is read in the order of names, without other files and directories', async () => {
    const source = await openInput({ directory: folder });
    expect(values(source)).toEqual([1, 2, 3, 4, 5]);
    expect([4, 0, 3, 1, 2].map((i) => source.frame(i)[0])).toEqual([5, 1, 4, 2, 3]);
    expect(source.description()).toEqual([
      `Loaded input file ${join(folder, 'a.npy')} (2 frames of 2x1 uint8)`,
      `Loaded input file ${join(folder, 'b.NPY')} (2 frames of 2x1 uint8)`,
      `Loaded input file ${join(folder, 'c.npy')} (1 frame of 2x1 uint8)`,
      'Skipped 1 file (not .npy, .h5, .hdf, .hdf5, .tif, .tiff): notes.txt',
    ]);
    source.close();
  });

  it('files may be given beside a directory, whatever their ending', async () => {
    const extra = join(folder, 'notes.txt');
    writeFileSync(extra, one(9));
    expect(values(await openInput({ directory: folder, files: [extra] }))).toEqual([1, 2, 3, 4, 5, 9]);
  });

  it.each([
    [1, [1]],
    [3, [1, 2, 3]],
    [5, [1, 2, 3, 4, 5]],
    [6, [1, 2, 3, 4, 5]],
    [0, [1, 2, 3, 4, 5]],
    [-1, [1, 2, 3, 4, 5]],
  ])('at most %i frames', async (nFrames, expected) => {
    expect(values(await openInput({ directory: folder, nFrames }))).toEqual(expected);
  });

  it('a list of many files is described in short', async () => {
    for (let i = 0; i < 20; i++) writeFileSync(join(folder, `d${i}.npy`), one(i));
    const lines = (await openInput({ directory: folder })).description();
    expect(lines.length).toBe(12);
    expect(lines[10]).toBe('Loaded 13 more input files (13 frames)');
  });

  it('all must have the same frames: the error names the one that differs', async () => {
    const other = join(folder, 'z.npy');
    const first = join(folder, 'a.npy');
    writeFileSync(other, array('<u2', '(1, 2)', 4));
    await expect(openInput({ directory: folder })).rejects.toThrow(
      `${other}: its frames are [2, 1] uint16, but those of ${first} are [2, 1] uint8: stream one kind`,
    );
    writeFileSync(other, array('|u1', '(2, 1)', 2));
    await expect(openInput({ directory: folder })).rejects.toThrow(
      `${other}: its frames are [1, 2] uint8, but`,
    );
  });

  it('a directory without input files, or none at all, is an error', async () => {
    const empty = mkdtempSync(join(directory, 'e-'));
    await expect(openInput({ directory: empty })).rejects.toThrow(
      `${empty}: there is no input file in this directory: it is empty`,
    );
    const missing = join(directory, 'missing');
    await expect(openInput({ directory: missing })).rejects.toThrow(`${missing}: no such file or directory`);
    await expect(openInput({ files: [missing] })).rejects.toThrow(`${missing}: no such file or directory`);
    await expect(openInput({ files: [empty] })).rejects.toThrow(`${empty}: it is not a regular file`);
    await expect(openInput({})).rejects.toThrow('no input file or directory was given');
  });
});

describe('files that hold no frames: one line with the name of the file and the reason', () => {
  const c = (rest: string) => npy(`{'descr': '|u1', ${rest}}`);
  it.each<[string, Uint8Array | string, string]>([
    ['an empty file', Buffer.alloc(0), 'not a .npy file: it is empty'],
    ['text', Buffer.from('frame,x,y\n'), 'not a .npy file'],
    ['an .npz archive', Buffer.from('PK\x03\x04rest of it'), 'not a .npy file but an archive (.npz?)'],
    [
      'Fortran order',
      NUMPY_FORTRAN,
      'it is in Fortran order: save it with numpy.save(file, numpy.ascontiguous',
    ],
    ['objects', NUMPY_OBJECT, 'it holds Python objects, not pixels'],
    ['records', NUMPY_RECORD, 'it holds records, not pixels'],
    ['complex numbers', array('<c16', '(1, 1)', 16), "element type '<c16' is not supported: use bool, int8,"],
    ['float16', array('<f2', '(1, 1)', 2), "element type '<f2' is not supported"],
    ['text pixels', array('<U5', '(1, 1)', 20), "element type '<U5' is not supported"],
    ['an unknown byte order', array('!i2', '(1, 1)', 2), "element type '!i2' is not supported"],
    ['a scalar', array('|u1', '()', 1), 'an array of shape () holds no frames: frames are (ny, nx), '],
    ['one dimension', array('|u1', '(5,)', 5), 'an array of shape (5) holds no frames'],
    ['four dimensions without colour', array('|u1', '(1, 1, 1, 4)', 4), 'shape (1, 1, 1, 4) holds no frames'],
    ['five dimensions', array('|u1', '(1, 1, 1, 1, 3)', 3), 'shape (1, 1, 1, 1, 3) holds no frames'],
    ['no frames', array('|u1', '(0, 4, 4)'), 'its array of shape (0, 4, 4) is empty'],
    ['no pixels', array('|u1', '(4, 0)'), 'its array of shape (4, 0) is empty'],
    ['huge frames', array('|u1', '(1, 65536, 65536)'), 'a pvData array holds at most 2147483647'],
    [
      'too little data',
      array('<u2', '(2, 2, 2)', 15),
      'truncated: it has 143 bytes, its header promises 144',
    ],
    ['a huge promise', array('<u2', '(9999999999999999, 2, 2)', 15), 'truncated: it has '],
    ['no shape', c("'fortran_order': False, "), 'its header has no shape'],
    ['a negative shape', array('|u1', '(-1, 2)'), 'its header has a bad shape (-1, 2)'],
    [
      'control characters as a shape',
      array('|u1', '(1,\n\x1b[31m2)'),
      'its header has a bad shape (1, [31m2)',
    ],
    ['control characters as a type', array('\n\x1b[31m', '(1, 2)'), 'its header has no element type'],
    ['an endless shape', array('|u1', `(${'1'.repeat(60_000)}, x)`), 'its header has a bad shape'],
    ['an endless size', array('|u1', `(1, ${'1'.repeat(600)})`), 'Infinity pixels in x make no image'],
    ['no order', c("'shape': (1, 2), "), 'its header does not say fortran_order'],
    ['no type', npy("{'fortran_order': False, 'shape': (1, 2), }"), 'its header has no element type'],
    [
      'version 4',
      Buffer.from('\x93NUMPY\x04\x00\x10\x00\x00\x00', 'latin1'),
      '.npy version 4.0 is not supported',
    ],
    [
      'a huge header',
      Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\xff', 'latin1'),
      'its header of 4294967307 bytes',
    ],
  ])('%s', (_, bytes, message) => {
    const path = write(bytes);
    let caught: unknown;
    try {
      openPath(path);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'BAD_INPUT' });
    expect((caught as Error).message).toContain(`${path}: `);
    expect((caught as Error).message).toContain(message);
    expect((caught as Error).message).toMatch(/^[\x20-\x7e]{1,400}$/);
  });

  it('a file cut at any byte', () => {
    const whole = array('|u1', '(1, 2)', 2);
    for (let n = 1; n < whole.length; n++) {
      expect(() => open(whole.subarray(0, n))).toThrow(/: truncated: /);
    }
    expect(open(whole).nFrames).toBe(1);
  });
});
