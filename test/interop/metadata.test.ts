/**
 * Metadata PVs of the simulators, ours and PvaPy's: the same type, the same rule of time stamps, and each consumer takes
 * the metadata of either.
 */
import { Context, clientConfigFromEnv, type TypeDef, type Value } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { ourSuite, pvapySuite, type Suite } from '../../bench/pair-run.ts';
import { freePorts, peerEnv } from '../../bench/peers/ports.ts';
import { startPvapyConsumer } from '../../bench/peers/pvapy-consumer.ts';
import { startPvapySimulator } from '../../bench/peers/pvapy-simulator.ts';
import type { PythonDict } from '../../bench/peers/python-dict.ts';
import { ensurePeers } from './peers.ts';

const peers = await ensurePeers();
const ours = ourSuite();
const theirs = peers.available ? pvapySuite(peers) : ours;
const suites: [string, Suite][] = [
  ['our simulator', ours],
  ["PvaPy's simulator", theirs],
];

const timeOf = (value: Value): string =>
  `${value.get('timeStamp.secondsPastEpoch')}.${value.get('timeStamp.nanoseconds')}`;

/** A stream of 100 frames with a metadata PV. */
async function simulator(suite: Suite, env: NodeJS.ProcessEnv) {
  return await startPvapySimulator(suite, env, {
    channel: 'meta:image',
    nx: 8,
    ny: 8,
    fps: 50,
    runtime: 2,
    startDelay: 20,
    shutdownDelay: 4,
    extraArgs: ['-mpv', 'pva://motor:x'],
  });
}

describe.skipIf(!peers.available)('the metadata PV', () => {
  const types: TypeDef[] = [];

  it.each(suites)('of %s has a value for every frame, with its time stamp', async (_name, suite) => {
    const env = peerEnv(await freePorts());
    const running = await simulator(suite, env);
    const context = new Context(clientConfigFromEnv(env));
    try {
      const [times, frames]: [string[], string[]] = [[], []];
      const request = { pvRequest: 'record[queueSize=500]field()' };
      context.monitor('motor:x', request, {
        connected: (_server, type) => void types.push(type),
        update: (value) => void times.push(timeOf(value)),
      });
      context.monitor('meta:image', request, {
        update: (value) => {
          if (value.get('uniqueId') !== 0) frames.push(timeOf(value));
        },
      });
      const { published } = await running.finish(60_000);
      expect(frames.length).toBe(published);
      // Before the first frame it is 0.
      expect(times).toEqual(['0.0', ...frames]);
    } finally {
      await context.close();
      await running.stop();
    }
  });

  it('is of the same type in both', () => {
    expect(types.length).toBe(2);
    expect(types[0]?.equals(types[1] as TypeDef)).toBe(true);
  });
});

describe.skipIf(!peers.available)('a consumer', () => {
  const pairs: [string, Suite, Suite][] = [
    ["PvaPy's, our simulator", ours, theirs],
    ["ours, PvaPy's simulator", theirs, ours],
  ];

  it.each(pairs)(
    '(%s) receives every update of a metadata channel',
    async (_name, simulatorSuite, consumerSuite) => {
      const env = peerEnv(await freePorts());
      const running = await simulator(simulatorSuite, env);
      try {
        const consumer = await startPvapyConsumer(consumerSuite, env, {
          inputChannel: 'meta:image',
          serverQueueSize: 500,
          extraArgs: ['-mc', 'pva://motor:x'],
        });
        try {
          const { published } = await running.finish(60_000);
          await consumer.waitForReports(([newest]) => newest?.nProcessed === published, 20_000);
          const [report] = await consumer.finish();
          expect(report?.nProcessed).toBe(published);
          // PvaPy prints them below metadataStats, and they are never on its status channel.
          const all = report?.all ?? {};
          const group =
            all['metadataStats_1'] ?? (all['metadataStats'] as PythonDict | undefined)?.['metadata-1'];
          expect(group).toMatchObject({
            channel: 'motor:x',
            receiverStats: { nReceived: published + 1, nOverruns: 0 },
            queueStats: { nReceived: published + 1, nRejected: 0 },
          });
        } finally {
          await consumer.child.stop();
        }
      } finally {
        await running.stop();
      }
    },
  );
});
