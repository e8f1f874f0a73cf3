/** What is sent along a lane of a warm-up (warm-up.ts). Every room may import this. */
import { NTNDArray, struct, type TypeDef, type Value } from 'epics-pva-ts';

/** Pixels a side: received lazily and forwarded as bytes, as real frames are. */
const SIDE = 96;
/** Of so many the first few are of a size for which receive memory is set aside (frame/receive-memory.ts). */
const LARGE_SIDE = 256;
const SERIES = 256;
const LARGE_ONES = 16;
/** One of them says nothing of the fields that are the same as before. */
const PARTIAL_ONE = 128;

/** Frames with what real ones have: texts that are not empty, attributes, two sizes. Those of different lanes differ in type. */
export class WarmUpFrames {
  readonly #small: Value;
  readonly #large: Value;
  #count = 0;

  constructor(lane: number) {
    const type = lane === 0 ? NTNDArray.type : withLane(NTNDArray.type);
    this.#small = this.#frame(type, SIDE);
    this.#large = this.#frame(type, LARGE_SIDE);
  }

  get first(): Value {
    return this.#small;
  }

  /** The same two again and again, with an id of their own each time. */
  next(): Value {
    const place = ++this.#count % SERIES;
    const frame = place < LARGE_ONES ? this.#large : this.#small;
    if (place === PARTIAL_ONE) frame.unmark().mark('value').mark('dimension');
    else frame.mark();
    return frame.set('uniqueId', this.#count);
  }

  #frame(type: TypeDef, side: number): Value {
    const attributes = { ColorMode: 0, Source: 'warm-up' };
    const frame = NTNDArray.create({
      type,
      pixels: new Uint8Array(side * side),
      dimensions: [side, side],
      descriptor: 'warm-up',
      attributes,
    });
    return frame.value.set('alarm.message', 'NO_ALARM').mark();
  }
}

/** As a detector that adds a field of its own. */
function withLane({ id, members }: TypeDef): TypeDef {
  return struct(id, {
    ...Object.fromEntries(members.map(({ name, type }) => [name, type])),
    lane: 'int',
  });
}
