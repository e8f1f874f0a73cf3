/**
 * DataEncryptor and DataDecryptor, and AdImageDataEncryptor and AdImageDataDecryptor, which are the same here:
 * EncryptProcessor and DecryptProcessor by PvaPy's names, with its arguments: `privateKeyFilePath`, the same private key on both sides, here the source of their secret key. Every object
 * is authenticated, so `sign` and `verify` have nothing to add and are accepted.
 *
 *   hpc-consumer -ic pvapy:image -oc 'enc:*:output' -pc AdImageDataEncryptor -pa '{"privateKeyFilePath": "id_rsa"}'
 *
 * What is published is this suite's (docs/reference/encryption-envelope.md): PvaPy reads only its own, a Python pickle.
 */
import type { ProcessorConfig } from '../src/processor/user-data-processor.ts';
import { type Arguments, objectOf } from './arguments.ts';
import { DecryptProcessor } from './decrypt-processor.ts';
import { EncryptProcessor } from './encrypt-processor.ts';

/** @throws Error when there is neither PvaPy's argument nor ours */
function withKeyFile<T extends Arguments>(args: T): T & Arguments {
  const { privateKeyFilePath, keyFile = privateKeyFilePath } = args;
  if (keyFile === undefined)
    throw new Error('argument privateKeyFilePath: the path of a private key is missing');
  return { ...args, keyFile };
}

function changed(given: unknown): Arguments {
  const args = objectOf(given);
  return args['privateKeyFilePath'] === undefined ? args : withKeyFile(args);
}

export class DataEncryptor extends EncryptProcessor {
  constructor(config: ProcessorConfig) {
    super(withKeyFile(config));
  }

  override configure(args: unknown): void {
    super.configure(changed(args));
  }
}

export class DataDecryptor extends DecryptProcessor {
  constructor(config: ProcessorConfig) {
    super(withKeyFile(config));
  }

  override configure(args: unknown): void {
    super.configure(changed(args));
  }
}

export class AdImageDataEncryptor extends DataEncryptor {}

export class AdImageDataDecryptor extends DataDecryptor {}
