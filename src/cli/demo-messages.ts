/** What `npm start` and its simulator process tell each other. */

export interface DemoSimulatorOptions {
  readonly channelName: string;
  readonly nx: number;
  readonly ny: number;
  readonly fps: number;
  /** Seconds. */
  readonly runtime: number;
  /** Monitors to wait for before the first frame. */
  readonly subscribers: number;
}

export type ToSimulator =
  | { readonly type: 'start'; readonly options: DemoSimulatorOptions }
  | { readonly type: 'stop' };

export type FromSimulator =
  | { readonly type: 'progress'; readonly published: number }
  /** All frames have been posted; the channel is still served. */
  | { readonly type: 'done'; readonly published: number }
  | { readonly type: 'failed'; readonly line: string };
