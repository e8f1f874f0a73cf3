/**
 * DecryptProcessor: publishes the objects again that EncryptProcessor encrypted, as what they were.
 *
 * Arguments (also by `configure`): `keyFile`, path of the file with the key, or a list of paths while keys change. The
 * consumer needs `--oid-field objectId`. Figures: `nDecrypted`; errors by cause, each also one of `nErrors` (but for the
 * first update of the channel, which no figure of the consumer counts):
 * `nUnknownKey`, `nRejected` (changed, or forged), `nReplayed` (came before), `nMalformed` (no encrypted object);
 * `processingTime` (s), `processingRate`.
 *
 *   hpc-consumer -ic encrypt:1:output --oid-field objectId -oc 'decrypt:*:output' -pc DecryptProcessor \
 *     -pa '{"keyFile": "stream.key"}'
 *
 * The format is in docs/reference/encryption-envelope.md.
 */
import { deserializeType, deserializeValue, NTNDArray, type TypeDef, type Value } from 'epics-pva-ts';
import { Unpackr } from 'msgpackr';
import {
  type ProcessorConfig,
  type PvObject,
  UserDataProcessor,
} from '../src/processor/user-data-processor.ts';
import { type Arguments, objectOf } from './arguments.ts';
import { ENCRYPTED_TYPE } from './encrypted-type.ts';
import { OpenError, Opener } from './envelope-cipher.ts';
import { FormatError } from './envelope-format.ts';
import { keyFilesArgument, readKeyFile, type SecretKey } from './key-file.ts';
import { warnOfOpenFiles } from './key-warning.ts';

const unpackr = new Unpackr({ useRecords: false });
/** Types of objects seen lately; a stream has one, or a few. */
const REMEMBERED_TYPES = 16;

export class DecryptProcessor extends UserDataProcessor {
  private keys: readonly SecretKey[];
  private readonly opener: Opener;
  private readonly types = new Map<string, TypeDef>();
  private nDecrypted = 0;
  private readonly failures = { nUnknownKey: 0, nRejected: 0, nReplayed: 0, nMalformed: 0 };
  /** In s. */
  private processingTime = 0;

  constructor(config: ProcessorConfig) {
    super(config);
    this.keys = keysOf(config);
    this.opener = new Opener(this.keys);
  }

  override configure(args: unknown): void {
    const given = objectOf(args);
    if (given['keyFile'] === undefined) return;
    this.keys = keysOf(given);
    // The same opener: it knows what came before, and with a new one that could be played again.
    this.opener.setKeys(this.keys);
    warnOfOpenFiles(this.keys, this.logger);
  }

  /** @throws Error when the consumer looks for the id of objects in another field than encrypted ones have */
  override start(): void {
    if (this.objectIdField !== 'objectId')
      throw new Error(
        `encrypted objects have their id in objectId, not in ${this.objectIdField}: --oid-field objectId`,
      );
    warnOfOpenFiles(this.keys, this.logger);
  }

  /** What EncryptProcessor publishes: with `--input-mode pvas` or `rpc` it can send that here. */
  override getInputPvObjectType(): TypeDef {
    return ENCRYPTED_TYPE;
  }

  /** As the object that is encrypted. As long as none can be decrypted, this is called in place of `process`. */
  override getOutputPvObjectType(object: PvObject): PvObject {
    return this.decryptCounted(object, false);
  }

  /** @throws Error when it cannot be decrypted */
  override process(object: PvObject): PvObject {
    const value = this.decryptCounted(object, true);
    this.nDecrypted++;
    this.updateOutputChannel(value);
    return value;
  }

  private decryptCounted(object: PvObject, once: boolean): Value {
    const begin = performance.now();
    try {
      return this.decrypt(object, once);
    } catch (error) {
      this.count(error);
      throw error;
    } finally {
      this.processingTime += (performance.now() - begin) / 1000;
    }
  }

  private decrypt(object: PvObject, once: boolean): Value {
    if (object instanceof NTNDArray) throw new FormatError('this is an image, not an encrypted object');
    const data = object.tryGet('data');
    if (!(data instanceof Uint8Array))
      throw new FormatError(`${object.id} has no bytes in a field data: it is no encrypted object`);
    if (data.length === 0) throw new FormatError('there is no encrypted object yet');
    const { header, plaintext } = this.opener.open(data, once);
    if (header.objectId !== object.tryGet('objectId'))
      throw new OpenError(
        'rejected',
        `objectId is ${object.tryGet('objectId')}, but ${header.objectId} was encrypted`,
      );
    return this.structureIn(plaintext);
  }

  /** It is authentic: whoever made it has the key. It may still be of another version. */
  private structureIn(plaintext: Buffer): Value {
    try {
      const { byteOrder, type, value } = unpackr.unpack(plaintext) as Record<string, unknown>;
      if (byteOrder !== 'big') throw new FormatError(`byte order ${JSON.stringify(byteOrder)} is not 'big'`);
      if (!(type instanceof Uint8Array) || !(value instanceof Uint8Array))
        throw new FormatError('type or value is missing');
      return deserializeValue(this.typeOf(type), value);
    } catch (error) {
      throw new FormatError(`what was encrypted is no object: ${(error as Error).message}`, { cause: error });
    }
  }

  /** The same type for the same bytes: the output channel is opened anew for another one. */
  private typeOf(bytes: Uint8Array): TypeDef {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const known = this.types.get(name);
    if (known) return known;
    const type = deserializeType(bytes);
    if (this.types.size >= REMEMBERED_TYPES) this.types.delete(this.types.keys().next().value as string);
    this.types.set(name, type);
    return type;
  }

  private count(error: unknown): void {
    const { failures } = this;
    if (!(error instanceof OpenError)) failures.nMalformed++;
    else if (error.failure === 'unknownKey') failures.nUnknownKey++;
    else if (error.failure === 'replayed') failures.nReplayed++;
    else failures.nRejected++;
  }

  override resetStats(): void {
    this.nDecrypted = 0;
    this.processingTime = 0;
    Object.assign(this.failures, { nUnknownKey: 0, nRejected: 0, nReplayed: 0, nMalformed: 0 });
  }

  override getStats(): Record<string, number> {
    const { nDecrypted, processingTime, failures } = this;
    const processingRate = processingTime > 0 ? nDecrypted / processingTime : 0;
    return { nDecrypted, ...failures, processingTime, processingRate };
  }

  override getStatsPvaTypes(): Record<string, string> {
    const counters = ['nDecrypted', ...Object.keys(this.failures)].map((name) => [name, 'uint']);
    return { ...Object.fromEntries(counters), processingTime: 'double', processingRate: 'double' };
  }
}

function keysOf(args: Arguments): readonly SecretKey[] {
  return keyFilesArgument(args, true).map(readKeyFile);
}
