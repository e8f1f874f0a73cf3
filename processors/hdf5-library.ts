/**
 * The HDF5 library as h5wasm brings it: loaded on use, its writes to disk watched, its errors as one line.
 *
 * h5wasm does not pass on every failure: a chunk that cannot be written when a dataset is closed is lost and the call
 * says nothing. So every write of the library to a file goes through a hook that remembers the error; and what the
 * library prints on standard error, dozens of lines an error, is kept for the message instead. Its error handler that
 * throws is not used: an exception through the library's frames would leave it in a state nobody knows.
 */
import { fileProblem } from './file-problem.ts';

type H5Wasm = typeof import('h5wasm/node');
/** The compiled library's own functions. */
export type H5Module = Awaited<H5Wasm['ready']>;
/** An open file. */
export type H5File = InstanceType<H5Wasm['File']>;

/** What is used of the file system inside the compiled library. */
interface WatchedFileSystem {
  write(
    stream: { readonly fd?: number },
    heap: unknown,
    at: number,
    length: number,
    position?: number,
  ): number;
}

/** Characters of the library's own complaint that are kept. */
const MAX_COMPLAINT = 8192;
const STANDARD_ERROR = 2;

export class Hdf5Library {
  readonly module: H5Module;
  private readonly FileClass: H5Wasm['File'];
  private failure: unknown;
  private complaint = '';

  private constructor(h5wasm: H5Wasm, module: H5Module) {
    this.module = module;
    this.FileClass = h5wasm.File;
    const files = module.FS as unknown as WatchedFileSystem;
    const write = files.write;
    files.write = (stream, heap, at, length, position) => {
      if (stream.fd === STANDARD_ERROR) {
        if (this.complaint.length < MAX_COMPLAINT)
          this.complaint += Buffer.from(module.HEAPU8.subarray(at, at + length)).toString('latin1');
        return length;
      }
      try {
        return write(stream, heap, at, length, position);
      } catch (error) {
        this.failure ??= error;
        throw error;
      }
    };
  }

  private static loaded: Promise<Hdf5Library> | undefined;

  /** Has anybody asked for it? */
  static get isLoaded(): boolean {
    return Hdf5Library.loaded !== undefined;
  }

  /** Loads the library once; some 0.1 s and 20 MB. */
  static load(): Promise<Hdf5Library> {
    Hdf5Library.loaded ??= import('h5wasm/node').then(
      async (h5wasm) => new Hdf5Library(h5wasm, await h5wasm.ready),
    );
    return Hdf5Library.loaded;
  }

  /**
   * Makes or overwrites a file, in the format of HDF5 1.10: the oldest that can be read while it is written.
   * @throws Error in one line
   */
  create(path: string): H5File {
    return this.do(`cannot write ${path}`, () => {
      const file = new this.FileClass(path, 'w', { libver: ['v110', 'v110'] });
      if (file.file_id < 0n) throw this.problem(`cannot write ${path}`);
      return file;
    });
  }

  /**
   * Runs what uses the library; a negative number it returns is a failure.
   * @throws Error in one line, also for what the library kept to itself
   */
  do<T>(doing: string, run: () => T): T {
    this.failure = undefined;
    this.complaint = '';
    const result = run();
    if (this.failure !== undefined || this.complaint !== '' || (typeof result === 'number' && result < 0))
      throw this.problem(doing);
    return result;
  }

  /** The operating system's error if there is one, else the innermost of the library's complaints. */
  private problem(doing: string): Error {
    if (this.failure !== undefined) return fileProblem(doing, this.failure);
    const reasons = Array.from(this.complaint.matchAll(/ in \w+\(\): (.*)/g), ([, reason]) => reason);
    return new Error(`${doing}: HDF5: ${reasons.at(-1) ?? 'it does not say why'}`);
  }

  /** Gives the library bytes for the time of a call. @throws Error when it has no memory for them */
  withBytes<T>(bytes: Uint8Array, run: (pointer: bigint) => T): T {
    const pointer = this.module._malloc(bytes.length || 1);
    if (!pointer) throw new Error(`HDF5 has no memory for ${bytes.length} bytes`);
    try {
      this.module.HEAPU8.set(bytes, pointer);
      return run(BigInt(pointer));
    } finally {
      this.module._free(pointer);
    }
  }
}
