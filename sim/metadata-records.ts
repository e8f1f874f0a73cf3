/**
 * The metadata PVs of the simulator: what a beamline's motors would be, one value for every frame. Each record is
 * PvaPy's, `structure { double value; time_t timeStamp }`; a value is random, 0 or more and below 1.
 */
import { type FieldNode, SharedPV, struct, type TypeDef, Value } from 'epics-pva-ts';
import { Random } from './random.ts';

const TYPE: TypeDef = struct('', {
  value: 'double',
  timeStamp: struct('time_t', { secondsPastEpoch: 'long', nanoseconds: 'int', userTag: 'int' }),
});
/** Values drawn in one go. */
const N_DRAWN = 512;
/** So that values are not those of generated pixels. */
const STREAM = 0x6d657461;

interface MetadataRecord {
  readonly name: string;
  readonly pv: SharedPV;
  readonly value: Value;
}

export class MetadataRecords {
  private readonly records: readonly MetadataRecord[];
  private readonly value: FieldNode = TYPE.node('value');
  private readonly seconds: FieldNode = TYPE.node('timeStamp.secondsPastEpoch');
  private readonly nanoseconds: FieldNode = TYPE.node('timeStamp.nanoseconds');
  private readonly random = new Random(0, STREAM);
  private readonly drawn = new Float64Array(N_DRAWN);
  private used = N_DRAWN;

  /** Before the first frame each has value 0 and time 0, as PvaPy's. */
  constructor(names: readonly string[]) {
    this.records = names.map((name) => ({
      name,
      pv: SharedPV.readonly(Value.create(TYPE)),
      value: Value.create(TYPE).mark(),
    }));
  }

  /** By name, in the order given. */
  pvs(): ReadonlyMap<string, SharedPV> {
    return new Map(this.records.map(({ name, pv }) => [name, pv]));
  }

  /** Posts a new value of every PV, stamped with the time of `frame`, an image that is not posted yet. */
  update(frame: Value): void {
    const seconds = frame.get('timeStamp.secondsPastEpoch') as bigint;
    const nanoseconds = frame.get('timeStamp.nanoseconds') as number;
    for (const { pv, value } of this.records)
      pv.post(
        value
          .setNode(this.value, this.next())
          .setNode(this.seconds, seconds)
          .setNode(this.nanoseconds, nanoseconds),
      );
  }

  private next(): number {
    if (this.used === N_DRAWN) {
      this.random.fillUnits(this.drawn);
      this.used = 0;
    }
    return this.drawn[this.used++]!;
  }
}
