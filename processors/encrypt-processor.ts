/**
 * EncryptProcessor: publishes every object encrypted, whatever its type, as a structure of its id and bytes. Where it
 * serves its input (`--input-mode pvas` or `rpc`) these are images.
 *
 * Arguments: `keyFile`, path of a file with a key of 32 bytes (also by `configure`: from then on with the new key);
 * `algorithm`, `A256GCM` (default) or `C20P`. Figures: `nEncrypted`, `processingTime` (s), `processingRate` (objects/s of
 * processing time).
 *
 *   hpc-consumer -ic pvapy:image -oc 'encrypt:*:output' -pc EncryptProcessor -pa '{"keyFile": "stream.key"}'
 *
 * The format is in docs/reference/encryption-envelope.md. PvaPy's encryptor (pvapy-behaviour.md 7.4) has a payload that
 * only Python can read, and no integrity without a signature; neither can read the other's.
 */
import { serializeType, serializeValue, type TypeDef, Value } from 'epics-pva-ts';
import type { ProcessorConfig, PvObject } from '../src/processor/user-data-processor.ts';
import { type Arguments, objectOf } from './arguments.ts';
import { ENCRYPTED_TYPE } from './encrypted-type.ts';
import { Sealer } from './envelope-cipher.ts';
import { ALGORITHMS, type Algorithm, binaryHead, pack } from './envelope-format.ts';
import { AdImageProcessor } from './image-processor.ts';
import { keyFilesArgument, readKeyFile, type SecretKey } from './key-file.ts';
import { warnOfOpenFiles } from './key-warning.ts';

const LEAST_INT32 = -(2 ** 31);

export class EncryptProcessor extends AdImageProcessor {
  private readonly algorithm: Algorithm;
  private secret: SecretKey;
  private sealer: Sealer;
  private type: TypeDef | undefined;
  /** The plaintext before the value's length: the same for all objects of a type. */
  private head: Buffer = Buffer.alloc(0);
  private nEncrypted = 0;
  /** In s. */
  private processingTime = 0;

  constructor(config: ProcessorConfig) {
    super(config);
    this.algorithm = algorithmOf(config);
    this.secret = readKeyFile(keyFilesArgument(config, false)[0] as string);
    this.sealer = new Sealer(this.secret, this.algorithm);
  }

  override configure(args: unknown): void {
    const given = objectOf(args);
    if (given['keyFile'] === undefined) return;
    this.secret = readKeyFile(keyFilesArgument(given, false)[0] as string);
    this.sealer = new Sealer(this.secret, this.algorithm);
    warnOfOpenFiles([this.secret], this.logger);
  }

  override start(): void {
    warnOfOpenFiles([this.secret], this.logger);
  }

  /** The first object, encrypted: the decryptor learns from it what it will publish. */
  override getOutputPvObjectType(object: PvObject): PvObject {
    return this.encrypt(object);
  }

  /** @throws Error when the object's id is no whole number */
  override process(object: PvObject): PvObject {
    const begin = performance.now();
    this.updateOutputChannel(this.encrypt(object));
    this.nEncrypted++;
    this.processingTime += (performance.now() - begin) / 1000;
    return object;
  }

  private encrypt(object: PvObject): Value {
    const value = object instanceof Value ? object : object.value;
    const objectId = this.idOf(value);
    if (value.type !== this.type) {
      this.type = value.type;
      this.head = plaintextHead(value.type);
    }
    const bytes = serializeValue(value);
    const data = this.sealer.seal(objectId, [this.head, binaryHead(bytes.length), bytes]);
    return Value.create(ENCRYPTED_TYPE, {
      objectId,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    });
  }

  /**
   * A signed id of 32 bits, as NTNDArray's, turns negative behind 2^31 - 1. As its 32 bits it goes on with 2^31, and the
   * order of objects and the count of missing ones go on with it; as 64 it would leap, to more than a double can tell apart.
   */
  private idOf(value: Value): bigint {
    const id = value.get(this.objectIdField);
    if (typeof id === 'number' && Number.isInteger(id))
      return BigInt.asUintN(id < 0 && id >= LEAST_INT32 ? 32 : 64, BigInt(id));
    if (typeof id === 'bigint') return BigInt.asUintN(64, id);
    throw new Error(`the field '${this.objectIdField}' is no whole number (--oid-field)`);
  }

  override resetStats(): void {
    this.nEncrypted = 0;
    this.processingTime = 0;
  }

  override getStats(): Record<string, number> {
    const { nEncrypted, processingTime } = this;
    return {
      nEncrypted,
      processingTime,
      processingRate: processingTime > 0 ? nEncrypted / processingTime : 0,
    };
  }

  override getStatsPvaTypes(): Record<string, string> {
    return { nEncrypted: 'uint', processingTime: 'double', processingRate: 'double' };
  }
}

function algorithmOf(args: Arguments): Algorithm {
  const value = args['algorithm'] ?? 'A256GCM';
  if (typeof value === 'string' && Object.hasOwn(ALGORITHMS, value)) return value as Algorithm;
  throw new Error(`argument algorithm: ${JSON.stringify(value)} is not one of A256GCM, C20P`);
}

/** `{byteOrder: 'big', type, value}` in msgpack, up to the value: three entries, of which two are complete. */
function plaintextHead(type: TypeDef): Buffer {
  const parts = ['byteOrder', 'big', 'type', Buffer.from(serializeType(type)), 'value'];
  return Buffer.concat([Buffer.of(0x83), ...parts.map(pack)]);
}
