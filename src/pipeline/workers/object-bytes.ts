/** Objects and errors to what travels, and back; in one direction of one worker a type is described when it changes. */
import { TypeDef, typeFromBytes, typeToBytes, type Value, valueFromBytes, valueToBytes } from 'epics-pva-ts';
import type { PvObject } from '../../processor/user-data-processor.ts';
import { structureOf } from '../user-code.ts';
import type { ErrorText, ObjectBytes, OutputBytes } from './worker-messages.ts';

/** The sender's side. */
export class ObjectEncoder {
  private type: TypeDef | undefined;

  /** Valid until the object is released. @throws TypeError, PvaError for what is no structure */
  encode(object: PvObject): ObjectBytes {
    const structure = structureOf(object);
    const value = valueToBytes(structure);
    if (structure.type === this.type) return { value };
    this.type = structure.type;
    return { type: typeToBytes(structure.type), value };
  }
}

/** The receiver's side: every object must be decoded, in the order of arrival. */
export class ObjectDecoder {
  private type: TypeDef | undefined;

  /** @throws PvaError */
  decode(bytes: ObjectBytes): Value {
    if (bytes.type) this.type = typeFromBytes(bytes.type);
    if (!this.type) throw new TypeError('an object of a type that was never described');
    return valueFromBytes(this.type, bytes.value);
  }
}

/** What a processor declares about a channel. @throws TypeError, PvaError for what is neither type nor structure */
export function encodeOutput(declared: PvObject | TypeDef | null | undefined): OutputBytes {
  if (declared === null || declared === undefined) return null;
  if (declared instanceof TypeDef) return { type: typeToBytes(declared) };
  return { first: new ObjectEncoder().encode(declared) };
}

/** @throws PvaError */
export function decodeOutput(output: OutputBytes): Value | TypeDef | null {
  if (output === null) return null;
  return 'type' in output ? typeFromBytes(output.type) : new ObjectDecoder().decode(output.first);
}

/** Users may throw anything. */
export function errorText(thrown: unknown): ErrorText {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  return { name: thrown.name, message: thrown.message, stack: thrown.stack };
}

export function errorFrom({ name, message, stack }: ErrorText): Error {
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
