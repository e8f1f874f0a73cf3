/** The structure of encrypted objects: what the encryptor publishes, and what the decryptor takes. */
import { struct, type TypeDef } from 'epics-pva-ts';

/** An id that all can read, and the envelope (docs/reference/encryption-envelope.md). */
export const ENCRYPTED_TYPE: TypeDef = struct('epics:hpc:EncryptedData:1.0', {
  objectId: 'ulong',
  data: 'ubyte[]',
});
