/** Mistakes that are put into a control channel: one line that says what is wrong, and the stage goes on as it was. */
import { describe, expect } from 'vitest';
import { control, leastReceived, statusWhen } from './support/consumer.ts';
import { mirrorRows } from './support/mirror.ts';
import { Source } from './support/stages.ts';
import { it, until, type World } from './support/world.ts';

const CONTROL = 'stage:1:control';
const OF_A_STAGE = 'configure, reset_stats, get_stats, stop, pause, resume, status';

interface Kind {
  readonly line: string;
  /** The commands it knows. */
  readonly commands: string;
  /** Waits until it has counted so many updates. */
  readonly received: (world: World, count: number) => Promise<unknown>;
}

/** By its status channel, which is written before it is read. */
async function stageReceived(world: World, count: number): Promise<void> {
  await statusWhen(world, 'stage:1', `with ${count} received`, (s) => leastReceived(s) === count);
}

const KINDS: readonly (readonly [string, Kind])[] = [
  [
    'hpc-consumer',
    {
      line: `hpc-consumer -ic in -sqs 100 -sc stage:1:status -cc ${CONTROL} -pc UserDataProcessor`,
      commands: OF_A_STAGE,
      received: stageReceived,
    },
  ],
  [
    'hpc-collector',
    {
      line: `hpc-collector -ic in -pid 1 -sqs 100 -sc stage:1:status -cc ${CONTROL} -pc UserDataProcessor`,
      commands: OF_A_STAGE,
      received: stageReceived,
    },
  ],
  [
    'mirror-server',
    {
      line: `mirror-server -cm '(mirror,in,pva,100)' -sc mirror:status -cc ${CONTROL}`,
      commands: 'reset_stats, get_stats, stop',
      received: (world, count) =>
        until(async () => {
          await control(world, 'stage:1', 'get_stats');
          expect((await mirrorRows(world)).get('mirror')).toMatchObject({ nReceived: BigInt(count) });
        }),
    },
  ],
];

describe.concurrent('the control channel of', () => {
  it.for(KINDS)('%s: what is no command', async ([, { line, commands, received }], { world }) => {
    const source = await Source.start(world, 'in');
    const stage = await world.start(line);
    await source.connected();
    source.post('in', 1, 2, 3);
    await received(world, 4);

    for (const command of ['rest_stats', 'STOP', 'stop now', '', '{"command":"stop"}', 'constructor'])
      expect(await control(world, 'stage:1', command)).toBe(
        `Ignoring request: command '${command}' is not one of ${commands}`,
      );
    await control(world, 'stage:1', 'nothing');
    const channel = async (): Promise<unknown> => (await world.context.get(CONTROL)).toJS();
    const before = await channel();
    for (const [json, message] of [
      ['{"command":', /not JSON at position 12: expected a value, the text ends/],
      ['{command:stop}', /not JSON at position 10: expected a value, found 's'/],
      ['{"comand":"stop"}', /comand/],
      ['{"command":{"name":"stop"}}', /command: an object cannot become string/],
      ['stop', /Structure has no \.value/],
    ] as const) {
      const { code, stderr } = await world.run(`pvput -q ${CONTROL} '${json}'`);
      expect([json, code, stderr]).toEqual([json, 1, expect.stringMatching(message)]);
      expect(stderr.trimEnd()).not.toContain('\n');
    }
    expect(await channel()).toEqual(before);

    // Nothing was reset, and what comes is counted as ever.
    source.post('in', 4, 5);
    await received(world, 6);
    expect(await control(world, 'stage:1', 'stop')).toBe('Stop flag set');
    expect(await stage.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });
    expect(stage.lines.filter(({ stream }) => stream === 'stderr')).toEqual([]);
  });

  it.for(KINDS.slice(0, 2))(
    '%s: arguments that are no JSON are text, and change nothing of the framework',
    async ([, { line, received }], { world }) => {
      const source = await Source.start(world, 'in');
      await world.start(`${line} -rqs 100`);
      await source.connected();
      for (const args of [
        '{"skipInitialUpdates":5',
        'skipInitialUpdates=5',
        '["skipInitialUpdates",5]',
        '5',
        '',
      ])
        expect(await control(world, 'stage:1', 'configure', args)).toBe('Configuration successful');
      source.post('in', 1, 2, 3);
      await received(world, 4);
      await statusWhen(world, 'stage:1', 'done', ({ processorStats: p }) => p.nProcessed === 3);
    },
  );
});
