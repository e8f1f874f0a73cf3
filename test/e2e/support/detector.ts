/**
 * A detector in the test's own process, on a real pvAccess server: it publishes when the test says so, so that a test
 * can wait for its consumers first and knows every pixel it sent.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { NTNDArray, NTScalar, Server, SharedPV, serverConfigFromEnv } from 'epics-pva-ts';
import { until, type World } from './world.ts';

export interface DetectorOptions {
  /** Default `pvapy:image`. */
  readonly channel?: string;
  /** Default 128. */
  readonly nx?: number;
  /** Default 128. */
  readonly ny?: number;
  /** Channels that hold a number for every frame, on the same server; none by default. See `move`. */
  readonly metadata?: readonly string[];
}

/** When frame `id` is taken: one every 10 ms, whenever it is published. */
function timeOf(id: number): Date {
  return new Date(1_700_000_000_000 + id * 10);
}

/** The pixels of frame `id`: successive frames differ in every pixel. */
export function pixelsOf(id: number, count = 128 * 128): Uint8Array {
  const pixels = new Uint8Array(count);
  for (let i = 0; i < count; i++) pixels[i] = id * 7 + i * 13 + (i >> 8);
  return pixels;
}

export class Detector {
  private readonly server: Server;
  private readonly pv: SharedPV;
  private readonly nx: number;
  private readonly ny: number;
  private readonly motors: readonly SharedPV[];
  private nPublished = 0;
  private nMoved = 0;

  private constructor(world: World, options: DetectorOptions) {
    const { channel = 'pvapy:image', nx = 128, ny = 128 } = options;
    this.nx = nx;
    this.ny = ny;
    this.pv = SharedPV.readonly(NTNDArray.create({ uniqueId: 0 }).value);
    this.server = new Server({ ...serverConfigFromEnv(world.env), tcpPort: 0 });
    this.server.addPV(channel, this.pv);
    this.motors = (options.metadata ?? []).map((name) => {
      const motor = SharedPV.readonly(NTScalar.create('double', 0, { timeStamp: timeOf(0) }));
      this.server.addPV(name, motor);
      return motor;
    });
  }

  /** Serves an empty image; ends with the world. */
  static async start(world: World, options: DetectorOptions = {}): Promise<Detector> {
    const detector = new Detector(world, options);
    await detector.server.start();
    world.own(detector.server);
    return detector;
  }

  /** Frames published so far; also the id of the last one. */
  get published(): number {
    return this.nPublished;
  }

  /** Waits until so many monitors are running. */
  async subscribers(count: number): Promise<void> {
    await until(() => {
      if (this.pv.subscriberCount !== count)
        throw new Error(`the detector has ${this.pv.subscriberCount} subscribers, not ${count}`);
    });
  }

  /** Publishes `count` frames at `fps`, catching up when late; without `fps` one frame per turn of the event loop. */
  publish(count: number, fps = Number.POSITIVE_INFINITY): Promise<void> {
    return this.publishWhile((i) => i < count, fps);
  }

  private async publishWhile(more: (i: number) => boolean, fps: number): Promise<void> {
    const start = performance.now();
    for (let i = 0; more(i); i++) {
      const early = start + (i * 1000) / fps - performance.now();
      if (early > 1) await setTimeout(early);
      this.publishOne();
      await setImmediate();
    }
  }

  /** Posts the metadata of the next `count` frames: motor k (from 0) is at 100 k + id, at the time of frame id. */
  move(count: number): void {
    for (let i = 0; i < count; i++) {
      const id = ++this.nMoved;
      for (const [k, motor] of this.motors.entries())
        motor.post(NTScalar.create('double', 100 * k + id, { timeStamp: timeOf(id) }));
    }
  }

  /** Publishes until `done`; how many were published. */
  async publishUntil(done: Promise<unknown>, fps: number): Promise<void> {
    let over = false;
    const end = done.finally(() => {
      over = true;
    });
    await this.publishWhile(() => !over, fps);
    await end;
  }

  /** Goes away: its clients lose their connection. */
  async close(): Promise<void> {
    await this.server.close();
  }

  private publishOne(): void {
    const id = ++this.nPublished;
    const pixels = pixelsOf(id, this.nx * this.ny);
    const timeStamp = this.motors.length > 0 ? { timeStamp: timeOf(id) } : {};
    const dimensions = [this.nx, this.ny];
    const frame = NTNDArray.create({ pixels, dimensions, uniqueId: id, colorMode: 0, ...timeStamp });
    this.pv.post(frame.value.mark());
  }
}
