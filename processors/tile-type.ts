/**
 * The structure of a tile: that of the image it was cut from, and behind it where in the image the tile belongs, as
 * PvaPy's splitAdImageProcessorExample.py has it: `int tileIndexX`, the row, and `int tileIndexY`, the column.
 */
import { type FieldNode, type NTNDArray, struct, type TypeDef, Value } from 'epics-pva-ts';

/** Which row of tiles, from 0: the name is PvaPy's, whose x is numpy's first axis. */
export const TILE_ROW = 'tileIndexX';
/** Which column of tiles, from 0. */
export const TILE_COLUMN = 'tileIndexY';

const tileTypes = new WeakMap<TypeDef, TypeDef>();
const imageTypes = new WeakMap<TypeDef, TypeDef>();

/** The same type every time: a channel is opened anew for another one. */
function remembered(types: WeakMap<TypeDef, TypeDef>, type: TypeDef, make: () => TypeDef): TypeDef {
  let other = types.get(type);
  if (!other) {
    other = make();
    types.set(type, other);
  }
  return other;
}

/** The type of the tiles of such images. @throws Error when the images are tiles already */
export function tileTypeOf(type: TypeDef): TypeDef {
  return remembered(tileTypes, type, () => {
    if (isTileType(type)) throw new Error(`the images are tiles already: they have ${TILE_ROW}`);
    const members = type.members.map((m) => [m.name, m.type] as const);
    return struct(type.id, [...members, [TILE_ROW, 'int'], [TILE_COLUMN, 'int']]);
  });
}

/** Has it the members that say where a tile belongs? */
function isTileType(type: TypeDef): boolean {
  return type.member(TILE_ROW) !== undefined && type.member(TILE_COLUMN) !== undefined;
}

/** The type of the images that such tiles make. @throws Error when they are no tiles */
export function imageTypeOf(type: TypeDef): TypeDef {
  return remembered(imageTypes, type, () => {
    if (!isTileType(type))
      throw new Error(`the images are no tiles: they have no ${TILE_ROW} and ${TILE_COLUMN}`);
    const members = type.members.filter(({ name }) => name !== TILE_ROW && name !== TILE_COLUMN);
    return struct(
      type.id,
      members.map((m) => [m.name, m.type] as const),
    );
  });
}

/** Members that are different in every tile. */
const OWN = ['value', 'codec', 'compressedSize', 'uncompressedSize', 'dimension', TILE_ROW, TILE_COLUMN];

/** What tiles and their image have in common, field by field, for copies of structures of one type to another. */
export function commonFields(from: TypeDef, to: TypeDef): readonly (readonly [FieldNode, FieldNode])[] {
  return from.nodes.flatMap((node) => {
    const own = OWN.includes(node.path.split('.')[0] as string);
    const target = node.isStruct || own ? undefined : to.find(node.path);
    return target ? [[node, target] as const] : [];
  });
}

/** A structure of type `type` with these fields of the frame's. */
export function copyCommon(
  frame: NTNDArray,
  type: TypeDef,
  fields: readonly (readonly [FieldNode, FieldNode])[],
): Value {
  const copy = Value.create(type);
  for (const [from, to] of fields) copy.setNode(to, frame.value.get(from.path));
  return copy.mark();
}
