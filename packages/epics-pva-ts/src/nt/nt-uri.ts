/**
 * NTURI: the argument of an RPC, a path and named arguments. Order as in PVXS: scheme, authority, path, query.
 * Argument types follow the JavaScript values; most services convert (pvcall sends every argument as a string).
 */
import { NoConvertError } from '../errors.ts';
import { typeOfInput } from '../value/convert.ts';
import { struct, type TypeDef, type TypeSpec } from '../value/type-def.ts';
import { Value } from '../value/value.ts';
import { NormativeType, STRUCTURE, TEXT } from './compatibility.ts';

const description = new NormativeType(
  'NTURI',
  { scheme: TEXT, path: TEXT },
  { authority: TEXT, query: STRUCTURE },
);

/** What {@link NTURI.read} gives; parts that did not come are empty. */
export interface UriParts {
  /** `pva`, as a rule. */
  readonly scheme: string;
  /** Host and port of the service; empty as a rule. */
  readonly authority: string;
  /** Name of the service (the channel). */
  readonly path: string;
  /** Plain JavaScript data; 64-bit integers are bigint. */
  readonly query: Readonly<Record<string, unknown>>;
}

function isPlainObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && Object.getPrototypeOf(v) === Object.prototype;
}

function argumentType(name: string, v: unknown): TypeDef {
  if (isPlainObject(v)) return argumentsType(v, `${name}.`);
  const type = typeOfInput(v);
  if (type) return type;
  throw new NoConvertError(
    `argument '${name}': no pvData type for ${v === null ? 'null' : typeof v}; give a number, bigint, string, boolean, array, object or Value`,
  );
}

function argumentsType(query: Readonly<Record<string, unknown>>, prefix = ''): TypeDef {
  const members = Object.entries(query).filter(([, v]) => v !== undefined);
  return struct(
    '',
    members.map(([name, v]): [string, TypeSpec] => [name, argumentType(prefix + name, v)]),
  );
}

/** An NTURI; parts that did not come are empty. */
export class NTURIView {
  /** The structure itself. */
  readonly structure: Value;

  constructor(structure: Value) {
    this.structure = structure;
  }

  /** `pva`, as a rule. */
  get scheme(): string {
    return this.text('scheme');
  }

  /** The server's name or address. */
  get authority(): string {
    return this.text('authority');
  }

  /** Name of the service (the channel). */
  get path(): string {
    return this.text('path');
  }

  /** The arguments as plain JavaScript data. */
  get query(): Readonly<Record<string, unknown>> {
    const query = this.structure.tryGet('query');
    return query instanceof Value ? query.toJS() : {};
  }

  private text(field: string): string {
    const v = this.structure.tryGet(field);
    return typeof v === 'string' ? v : '';
  }
}

/** The argument of an RPC. Standard: NTURI; all four fields, as PVXS nt.h has them. */
export const NTURI = {
  /** `epics:nt/NTURI:1.0`. */
  id: description.id,

  /**
   * number becomes double, bigint long, string, boolean; arrays and typed arrays accordingly; an object a structure.
   *
   * @param path name of the service (the channel)
   * @throws NoConvertError for an argument without a pvData type; NoFieldError for a name pvData does not allow
   */
  create(
    path: string,
    query: Readonly<Record<string, unknown>> = {},
    options: { readonly scheme?: string; readonly authority?: string } = {},
  ): Value {
    const type = struct(description.id, {
      scheme: 'string',
      authority: 'string',
      path: 'string',
      query: argumentsType(query),
    });
    const { scheme = 'pva', authority = '' } = options;
    return Value.create(type, { scheme, authority, path, query });
  },

  /** Has it the id of an NTURI 1.x? */
  is(from: Value | TypeDef): boolean {
    return description.is(from);
  },

  /** Has it the fields of an NTURI, whatever its id? */
  isCompatible(from: Value | TypeDef): boolean {
    return description.isCompatible(from);
  },

  /** @throws NoConvertError naming the field that does not fit */
  wrap(structure: Value): NTURIView {
    description.check(structure);
    return new NTURIView(structure);
  },

  /** Reads an NTURI of any make: every part is optional. */
  read(value: Value): UriParts {
    const { scheme, authority, path, query } = new NTURIView(value);
    return { scheme, authority, path, query };
  },
} as const;
