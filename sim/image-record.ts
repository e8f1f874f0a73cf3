/**
 * The NTNDArray that the simulator serves: an empty record first, then one complete structure per frame.
 *
 * Complete, as PvaPy and areaDetector post it: a consumer that shares the stream sees every n-th frame only. What
 * is the same for all frames is made once; a frame sets its pixels, number and times.
 */
import { type FieldNode, NTNDArray, nowTimeStamp, type TypeDef, UnionValue, Value } from 'epics-pva-ts';
import type { CachedFrame } from './frame-cache.ts';
import { type FrameSource, frameBytes } from './frame-source.ts';

export class ImageRecord {
  readonly type: TypeDef = NTNDArray.type;
  private readonly frame: Value;
  private readonly fields: Record<
    'value' | 'uniqueId' | 'seconds' | 'nanoseconds' | 'dataSeconds' | 'dataNanoseconds',
    FieldNode
  >;
  private readonly pixelMember: number;
  /** Set if the frames are compressed: their sizes differ. */
  private readonly compressedSize: FieldNode | undefined;
  private readonly unionType: TypeDef;

  constructor(source: FrameSource) {
    const { type } = this;
    const { codec, shape, dataType } = source;
    const first = source.frame(0) as never;
    const frame = NTNDArray.create({
      ...(codec === undefined && { pixels: first }),
      dimensions: shape.dimensions,
      colorMode: shape.colorMode,
      uniqueId: 0,
      type,
    });
    if (codec !== undefined)
      frame.setCompressed(first, { name: codec, parameters: dataType.scalarType }, frameBytes(source));
    this.frame = frame.value;
    this.frame.mark();
    this.compressedSize = codec === undefined ? undefined : type.node('compressedSize');
    this.unionType = type.node('value').type;
    const member = codec === undefined ? dataType.unionField : 'ubyteValue';
    this.pixelMember = this.unionType.members.findIndex((m) => m.name === member);
    this.fields = {
      value: type.node('value'),
      uniqueId: type.node('uniqueId'),
      seconds: type.node('timeStamp.secondsPastEpoch'),
      nanoseconds: type.node('timeStamp.nanoseconds'),
      dataSeconds: type.node('dataTimeStamp.secondsPastEpoch'),
      dataNanoseconds: type.node('dataTimeStamp.nanoseconds'),
    };
  }

  /** What the channel holds before the first frame: no pixels, no dimensions, uniqueId 0 (PvaPy's simulator). */
  empty(): Value {
    return Value.create(this.type);
  }

  /** The record of one frame, stamped with the present time. Valid until the next call. */
  of(frame: CachedFrame, uniqueId: number): Value {
    const { fields } = this;
    const { secondsPastEpoch, nanoseconds } = nowTimeStamp();
    if (this.compressedSize) this.frame.setNode(this.compressedSize, BigInt(frame.data.byteLength));
    return this.frame
      .setNode(fields.value, new UnionValue(this.unionType, this.pixelMember, frame.data as never))
      .setNode(fields.uniqueId, uniqueId | 0)
      .setNode(fields.seconds, secondsPastEpoch)
      .setNode(fields.nanoseconds, nanoseconds)
      .setNode(fields.dataSeconds, secondsPastEpoch)
      .setNode(fields.dataNanoseconds, nanoseconds);
  }
}
