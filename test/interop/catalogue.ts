/**
 * The PVs of the type-by-type interop tests: for each its type, its value at the start, and a put.
 *
 * What may live here: reading catalogue.json and the meaning of its notation, which test/interop/python/peer_json.py
 * shares. The p4p server serves it, and a server of ours can serve the same one to the peers' clients.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './peers.ts';

/**
 * A type in p4p's letters: `?` boolean, `b B h H i I l L` signed and unsigned integers of 8, 16, 32 and 64 bits, `f d`,
 * `s` string, `v` any, with `a` before it for an array; or `[kind, id, members]` with kind `S`, `U`, `aS` or `aU`.
 * Without an id it is `structure`.
 */
export type PeerType = string | [kind: string, id: string | null, members: [name: string, type: PeerType][]];

/**
 * A value: number, text or boolean; 64-bit integers, NaN, infinities and -0 as text; arrays as lists; structures by member
 * name; a union as `{selected, value}` or null; an any as `{type, value}` or null.
 */
export type PeerValue = number | string | boolean | null | PeerValue[] | { [member: string]: PeerValue };

/** One PV of the catalogue. */
export interface CatalogueEntry {
  /** Name without prefix, for example `scalar:int`. */
  readonly name: string;
  readonly type: PeerType;
  /** The whole value at the start. */
  readonly value: { [member: string]: PeerValue };
  /** Members to put, with values that differ from those at the start. */
  readonly put: { [member: string]: PeerValue };
}

/** Path of the catalogue's file, which the p4p server reads. */
export const catalogueFile = join(repositoryRoot(), 'test', 'interop', 'catalogue.json');

/** Reads the catalogue, with the types it names (`@alarm`) in their places. */
export function readCatalogue(): CatalogueEntry[] {
  const { types, pvs } = JSON.parse(readFileSync(catalogueFile, 'utf8')) as {
    types: Record<string, PeerType>;
    pvs: CatalogueEntry[];
  };
  const resolve = (type: PeerType): PeerType => {
    if (typeof type !== 'string') {
      return [type[0], type[1], type[2].map(([name, member]) => [name, resolve(member)])];
    }
    return type.startsWith('@') ? resolve(types[type.slice(1)] ?? type) : type;
  };
  return pvs.map((entry) => ({ ...entry, type: resolve(entry.type) }));
}

/**
 * The value after a put: members given replace those before, structures member by member, everything else as a whole.
 *
 * @param type Type of both, which tells a structure from the notation of a union or an any.
 */
export function afterPut(type: PeerType, before: PeerValue, put: PeerValue): PeerValue {
  if (typeof type === 'string' || type[0] !== 'S') {
    return put;
  }
  const members = new Map(type[2]);
  const result = { ...(before as { [member: string]: PeerValue }) };
  for (const [name, value] of Object.entries(put as { [member: string]: PeerValue })) {
    result[name] = afterPut(members.get(name) ?? '', result[name] ?? null, value);
  }
  return result;
}
