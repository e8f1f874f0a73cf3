/** The warm-up of a mirror server: frames go through mirrors of servers that only this process knows (warm-up.ts). */
import { Context, Server, SharedPV } from 'epics-pva-ts';
import { createLogging, type Logger } from '../log.ts';
import { type Lane, type WarmUpOptions, warmUpAlong } from '../warm-up.ts';
import { WarmUpFrames } from '../warm-up-frames.ts';
import { MirrorChannel } from './mirror-channel.ts';

const SOURCE = 'source';
const MIRROR = 'mirror';
const QUEUE_SIZE = 100;
const PV_REQUEST = `record[queueSize=${QUEUE_SIZE}]field()`;

export async function warmUp(options: WarmUpOptions): Promise<void> {
  const { logger } = createLogging({ name: 'warm-up', output: { write: () => {} } });
  await warmUpAlong((n) => openLane(n, logger), options);
}

/** A mirror of a source; the second lane's has two clients. */
async function openLane(n: number, logger: Logger): Promise<Lane> {
  const frames = new WarmUpFrames(n);
  const source = Server.isolated();
  const server = Server.isolated();
  const close = async (): Promise<void> => {
    channel?.close();
    await Promise.allSettled([...contexts, server, source].map((end) => end.close()));
  };
  const contexts: Context[] = [];
  let channel: MirrorChannel | undefined;
  let published = 0;
  const follow = (): void => {
    const client = new Context(server.clientConfig());
    contexts.push(client);
    client.monitor(
      MIRROR,
      { pvRequest: PV_REQUEST },
      {
        update: (value) => {
          published++;
          value.release();
        },
      },
    );
  };
  try {
    const pv = SharedPV.readonly(frames.first);
    await source.addPV(SOURCE, pv).start();
    await server.start();
    const provider = new Context(source.clientConfig());
    contexts.push(provider);
    const spec = { mirror: MIRROR, source: SOURCE, queueSize: QUEUE_SIZE, nMonitors: 1, request: '' };
    // Who searches before the mirror is there searches again after a second: too late.
    const onChange = (): void => {
      if (channel?.connected) for (let i = 0; i <= n; i++) follow();
    };
    channel = new MirrorChannel({ spec, server, provider, logger, onChange });
    channel.start();
    return {
      saturated: false,
      get published() {
        return published;
      },
      send: () => pv.post(frames.next()),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
