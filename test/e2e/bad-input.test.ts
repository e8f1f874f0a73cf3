/** Mistakes of users: one line that says what is wrong and what to do, an exit code, never a stack trace. */
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it as plain } from 'vitest';
import { control, idsFrom, status } from './support/consumer.ts';
import { Detector } from './support/detector.ts';
import { type Finished, it, until, World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Runs a command that is to fail before it does anything. */
async function refusal(line: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const result = await world.run(line, env);
  expect(`${result.stdout}${result.stderr}`).not.toMatch(/^\s+at /m);
  return result;
}

/** Mistakes in the form of an option are shown with the usage, as by Python's argparse, and end with 2. */
async function expectUsage(line: string, message: string | RegExp): Promise<void> {
  const { code, stdout, stderr } = await refusal(line);
  const [usage, error, ...more] = stderr.split('\n');
  expect(usage).toMatch(/^Usage: /);
  expect(error).toMatch(message);
  expect(more).toEqual(['']);
  expect(stdout).toBe('');
  expect(code).toBe(2);
}

/** All other mistakes are one line and end with 1. */
async function expectLine(line: string, message: string | RegExp, env?: NodeJS.ProcessEnv): Promise<void> {
  const { code, stderr } = await refusal(line, env);
  expect(stderr.trimEnd()).not.toContain('\n');
  expect(stderr).toMatch(message);
  expect(code).toBe(1);
}

const BAD = 'hpc-consumer -ic pvapy:image -pf test/e2e/fixtures/bad-processors.ts';

describe('hpc-consumer, the form of options', () => {
  plain.concurrent.for([
    ['hpc-consumer', /: the following arguments are required: -ic\/--input-channel$/],
    ['hpc-consumer -ic', /: argument -ic\/--input-channel: expected one argument$/],
    [
      `hpc-consumer -ic x -pa '{"x":}'`,
      /: argument -pa\/--processor-args: invalid JSON at position 6 .*: \{"x":\}$/,
    ],
    [`hpc-consumer -ic x -pa '[1]'`, /: argument -pa\/--processor-args: must be a JSON object/],
    ['hpc-consumer -ic x -nc two', /: argument -nc\/--n-consumers: invalid int value: 'two'$/],
    ['hpc-consumer -ic x -rt never', /: argument -rt\/--runtime: invalid float value: 'never'$/],
    [
      'hpc-consumer -ic x -ll loud',
      /: argument -ll\/--log-level: invalid choice: 'loud' \(choose from debug, info, warning, error, critical\)$/,
    ],
    ['hpc-consumer -ic x -im fax', /: argument -im\/--input-mode: invalid choice: 'fax' \(choose from /],
    ['hpc-consumer -ic x --dist', /: ambiguous option: --dist could match --distributor-/],
  ] as const)('%s', ([line, message]) => expectUsage(line, message));
});

describe('hpc-consumer, what options say', () => {
  plain.concurrent.for([
    ['hpc-consumer -ic x --no-such-option 3', /^Unrecognized argument\(s\): --no-such-option 3\n$/],
    ['hpc-consumer -ic x -nc 0', /the number of consumers must be at least 1, not 0 \(HPC_CONSUMER_ID\)/],
    ['hpc-consumer -ic x -cid a,b', /consumer id list 'a,b': 'a' is not a whole number; use /],
    ['hpc-consumer -ic x -cid 3,3', /consumer id 3 is given twice/],
    [`hpc-consumer -ic x -cid 'range(1,9,0)'`, /the step of a range must not be 0/],
    [
      'hpc-consumer -ic x -oc out -nc 2',
      /consumers 1 and 2 would both serve the output channel 'out'; put a \* .* \(HPC_CHANNEL_NAME\)/,
    ],
    ['hpc-consumer -ic x -sc same -cc same', /'same', is also the status channel of consumer 1/],
    ['hpc-consumer -ic x -oc x', /the output channel of consumer 1, 'x', is also the input channel/],
    [`hpc-consumer -ic x -oc 'o*' -ifs 3.5q`, /id format specification '3\.5q'/],
    ['hpc-consumer -ic x -rs speed', /--report-stats: unknown group 'speed'; the groups are receiver, /],
    ['hpc-consumer -ic x -du 1 -nds 2', /--n-distributor-sets 2 needs --distributor-set/],
    [`hpc-consumer -ic x -dg 'a;b'`, /distributor group 'a;b' contains/],
    [
      'hpc-consumer -ic x -lf no/such/folder/log',
      /cannot write the log file 'no\/such\/folder\/log': .* \(HPC_LOG_FILE\)/,
    ],
    ['hpc-consumer -ic x -nc 2 -lf no/such/folder/log', /cannot write the log file .* \(HPC_LOG_FILE\)/],
  ] as const)('%s', ([line, message]) => expectLine(line, message));

  plain.concurrent.for([
    [{ EPICS_PVA_ADDR_LIST: 'not/an/address' }, /EPICS_PVA_ADDR_LIST: "not\/an\/address" .* \(PVA_CONFIG\)/],
    [{ EPICS_PVAS_SERVER_PORT: '70000' }, /EPICS_PVAS_SERVER_PORT="70000" is not a port: .* \(PVA_CONFIG\)/],
    [{ EPICS_PVAS_INTF_ADDR_LIST: '192.0.2.1' }, /cannot listen on TCP 192\.0\.2\.1:\d+: .* \(PVA_LISTEN\)/],
  ] as const)('environment %o', ([env, message]) =>
    expectLine('hpc-consumer -ic x -sc status', message, env),
  );
});

describe('hpc-consumer, the processor', () => {
  plain.concurrent.for([
    ['hpc-consumer -ic x -pf no-such-file.ts', /'no-such-file\.ts' cannot be read .* \(HPC_PROCESSOR_LOAD\)/],
    ['hpc-consumer -ic x -pf old.py', /'old\.py' is Python; .* use one of \.ts /],
    ['hpc-consumer -ic x -pc NoSuchClass', /'NoSuchClass' is not a ready-made processor \(those are /],
    [`${BAD} -pc Missing`, /class 'Missing' is not exported by .*; it exports ImpossibleName, /],
    [BAD, /exports several classes; choose one with --processor-class: ImpossibleName, /],
    [`${BAD} -pc notAClass`, /'notAClass' .* is not a class but a number/],
    [`${BAD} -pc Stranger`, /class Stranger does not extend UserDataProcessor/],
    [
      `${BAD} -pc ThrowsInConstructor -pa '{"reason":"water"}'`,
      /the constructor of ThrowsInConstructor failed: RangeError: the water is off \(HPC_PROCESSOR\)/,
    ],
    [
      `${BAD} -pc ThrowsInStart`,
      /the processor's start\(\) failed: Error: no disk to write to \(HPC_PROCESSOR\)/,
    ],
    [`${BAD} -pc RejectsInStart`, /the processor's start\(\) failed: Error: no database \(HPC_PROCESSOR\)/],
    [
      `${BAD} -pc ImpossibleType`,
      /getStatsPvaTypes: 'speed': unknown pvData type 'furlong'; .* \(HPC_STATS_TYPE\)/,
    ],
    [`${BAD} -pc ImpossibleName`, /getStatsPvaTypes: 'n found\.total' cannot name a pvData field/],
    [`${BAD} -pc NoTypes`, /getStatsPvaTypes failed: Error: forgot my types/],
    // Child processes report to their parent, which says it once and with the same code.
    [`${BAD} -nc 3 -pc ThrowsInStart`, /start\(\) failed: Error: no disk to write to \(HPC_PROCESSOR\)/],
    [`${BAD} -nc 3 -pc ImpossibleType`, /unknown pvData type 'furlong'; .* \(HPC_STATS_TYPE\)/],
  ] as const)('%s', ([line, message]) => expectLine(line, message));

  plain.concurrent('a syntax error is told with file and line', async () => {
    const file = world.file('broken.ts', 'export class Broken {\n  process( {\n}\n');
    await expectLine(`hpc-consumer -ic x -pf ${file}`, /broken\.ts': syntax error at .*broken\.ts:[234]: /);
  });

  it('that fails in configure says so in statusMessage, and goes on', async ({ world: own }) => {
    const detector = await Detector.start(own);
    const consumer = await own.start(
      `${BAD} -pc ThrowsInConfigure -cc 'consumer:*:control' -sc 'consumer:*:status'`,
    );
    await detector.subscribers(1);
    expect(await control(own, 1, 'configure', '{"x":1}')).toBe(
      'Configuration failed: {"x":1} is no configuration',
    );
    await detector.publish(3);
    await control(own, 1, 'get_stats');
    await until(async () => expect((await status(own, 1)).processorStats.nProcessed).toBe(3));
    expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  });

  it('that never gets ready does not keep anybody from ending it', async ({ world: own }) => {
    const consumer = await own.start(`${BAD} -pc StartsForEver -ll info`);
    await consumer.waitForLine(/INFO consumer\.1\.StartsForEver: starting/, 10_000);
    expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
  });
});

describe.concurrent('what is no mistake', () => {
  it('a channel that never appears is waited for, until the runtime is over', async ({ world: own }) => {
    const line =
      'hpc-consumer -ic nobody:serves:this -oc consumer:*:output -sc consumer:*:status -cc consumer:*:control';
    // Its channels are read meanwhile.
    const consumer = own.run(`${line} -pc UserDataProcessor -rt 6`);
    expect(await status(own, 1)).toMatchObject({
      inputChannel: 'nobody:serves:this',
      receiverStats: { nReceived: 0 },
      processorStats: { nProcessed: 0, nMissed: 0 },
    });
    const { code, stdout, stderr } = await consumer;
    expect(code).toBe(0);
    expect(stdout).toMatch(/'nReceived': 0,/);
    expect(stdout).toMatch(/'nProcessed': 0,/);
    expect(stderr).toBe('');
  });

  it('a TCP port that is taken is replaced by a free one', async ({ world: own }) => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await until(() => expect(squatter.listening).toBe(true));
    const { port } = squatter.address() as AddressInfo;
    const env = { EPICS_PVAS_SERVER_PORT: String(port) };
    try {
      const simulator = await own.start(
        'ad-sim-server -nx 8 -ny 8 -nf 4 -fps 50 -std 0 -shd 0 -rt 30 -rp 0',
        env,
      );
      const [, used] = await simulator.waitForLine(/^Serving pvapy:image on TCP port (\d+)/, 10_000);
      expect(Number(used)).not.toBe(port);
      const consumer = await own.start(
        'hpc-consumer -ic pvapy:image -pc UserDataProcessor -sc consumer:*:status -cc consumer:*:control -ll info',
        env,
      );
      await consumer.waitForLine(new RegExp(`TCP port ${port} is taken, using a free one`), 10_000);
      await control(own, 1, 'get_stats');
      await until(async () => {
        await control(own, 1, 'get_stats');
        expect((await status(own, 1)).processorStats.nProcessed).toBeGreaterThan(5);
      });
      expect(await consumer.stop()).toMatchObject({ code: 0, killed: false });
    } finally {
      squatter.close();
    }
  });
});

describe('ad-sim-server', () => {
  plain.concurrent.for([
    [
      'ad-sim-server -dt complex64',
      /: argument -dt\/--datatype: invalid choice: 'complex64' \(choose from int8, uint8, .*float64\)$/,
    ],
    ['ad-sim-server -cm 1', /: argument -cm\/--color-mode: invalid choice: 1 \(choose from 0, 2, 3, 4\)$/],
    [
      'ad-sim-server --codec zip',
      /: argument -cdc\/--codec: invalid choice: 'zip' \(choose from none, lz4, bslz4, /,
    ],
    ['ad-sim-server -nx 0', /: argument -nx\/--n-x-pixels: must be at least 1, not 0$/],
    ['ad-sim-server -fps fast', /: argument -fps\/--frame-rate: invalid float value: 'fast'$/],
    ['ad-sim-server -std -1', /: argument -std\/--start-delay: must be at least 0, not -1$/],
  ] as const)('%s', ([line, message]) => expectUsage(line, message));

  plain.concurrent.for([
    ['ad-sim-server --no-such-option', /^Unrecognized argument\(s\): --no-such-option\n$/],
    ['ad-sim-server -mn 10 -mx 5', /the minimum of generated values, 10, is above the maximum, 5 /],
    ['ad-sim-server -mn 256', /the minimum of generated values, 256, is outside of uint8: 0 to 255 /],
    ['ad-sim-server -nx 100000 -ny 100000', /a frame of 100000x100000 pixels has 10000000000 elements: /],
    ['ad-sim-server -if no-such.npy', /no-such\.npy: no such file or directory \(HPC_INPUT_FILE\)/],
    [
      'ad-sim-server -if package.json',
      /package\.json: unknown format: \.npy, .* are known, raw binary files need --config-file \(HPC_INPUT_FILE\)/,
    ],
    [
      'ad-sim-server -id docs',
      /docs: there is no input file in this directory: \d+ files? skipped \(not \.npy, .*\(HPC_INPUT_FILE\)/,
    ],
    ['ad-sim-server -cfg package.json', /package\.json: file_info: Invalid input: .* \(HPC_INPUT_FILE\)/],
    [
      'ad-sim-server -if test/fixtures/hdf5/v110.h5',
      /v110\.h5: name the dataset to stream with --hdf-dataset \(HPC_BAD/,
    ],
    [
      'ad-sim-server -if test/fixtures/hdf5/v110.h5 -hds nope',
      /v110\.h5: it has no dataset nope; there are: .* \(HPC_IN/,
    ],
    [
      'ad-sim-server -if test/fixtures/hdf5/v110.h5 -hds entry/data/lz4 -hcm --codec lz4',
      /compressed already \(lz4\)/,
    ],
    ['ad-sim-server -if test/fixtures/tiff/mixed.tif', /mixed\.tif: page 1 is 20x18 uint8, but page 0 is /],
    ['ad-sim-server -rto 5 -rtm 0', /^ad-sim-server: error: ramp within 0 seconds: use a number above 0 /],
    ['ad-sim-server -nf 1 -std 0 -fps 1e9', /frame rate 1000000000: use a number up to 10000000/],
    [`ad-sim-server -cn ''`, /the channel name is empty \(HPC_CHANNEL_NAME\)/],
    [`ad-sim-server -cn 'my image'`, /the channel name 'my image' contains a blank \(HPC_CHANNEL_NAME\)/],
  ] as const)('%s', ([line, message]) => expectLine(line, message));

  plain.concurrent('a negative frame rate is as fast as possible', async () => {
    const { code, stdout } = await world.run(
      'ad-sim-server -cn fast -nx 8 -ny 8 -nf 2 -fps -5 -rt 3 -std 0 -shd 0 -rp 0',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('Expected data rate: as fast as possible\n');
    // On a busy computer, too; at the default rate there would be 60.
    expect(Number(/Published frames: +(\d+) @/.exec(stdout)?.[1])).toBeGreaterThan(1000);
  });

  plain.concurrent('a cache size below 1 is 1', async () => {
    const { code, stdout } = await world.run(
      'ad-sim-server -cn small -nx 8 -ny 8 -cs 0 -fps 100 -rt 0.1 -std 0 -shd 0 -rp 1',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Number of input frames: 1 /m);
    const ids = Array.from(stdout.matchAll(/^Published frame id +(\d+) /gm), ([, id]) => Number(id));
    expect(ids).toEqual(idsFrom(1, ids.length));
  });
});
