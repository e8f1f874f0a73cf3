/**
 * `npm start`: the main job on embedded defaults. A simulator process publishes detector frames, two consumers share
 * them by the distributor, and at the end the counts of both ends are held against each other.
 *
 * Everything stays on loopback, on ports of its own: a demonstration never speaks to a facility's network.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { createLogUpdate } from 'log-update';
import { UserError } from '../errors.ts';
import { freeUdpPort } from '../free-udp-port.ts';
import { monitorRequest } from '../input/request-string.ts';
import { createLogging } from '../log.ts';
import type { ConsumerSpec } from '../pipeline/consumer-spec.ts';
import type { ConsumerStats } from '../pipeline/consumer-stats.ts';
import { objectIdSteps } from '../pipeline/object-id-offset.ts';
import { ProcessGroup } from '../pipeline/process-group.ts';
import type { StageTotals } from '../pipeline/stage-totals.ts';
import { childEntry } from './child-entry.ts';
import { delay } from './delay.ts';
import type { FromSimulator, ToSimulator } from './demo-messages.ts';
import { type DemoState, ledgerLine, plainLine, receivedFrames, rowOf, tableText } from './demo-view.ts';
import { EXIT, runMain } from './run-main.ts';

const CHANNEL = 'demo:image';
const CONSUMERS = [1, 2];
const SIZE = 256;
const FPS = 1000;
const SECONDS = 17;
const VIEW_MS = 500;
/** Views between two plain lines. */
const PLAIN_EVERY = 4;
/** After the last frame: how long nothing may change before what is missing counts as lost. */
const SETTLE_MS = 2000;

/** Takes this process and its children off every network but loopback. */
async function isolate(): Promise<void> {
  for (const name of Object.keys(process.env)) if (/^EPICS_PVAS?_/.test(name)) delete process.env[name];
  Object.assign(process.env, {
    EPICS_PVA_ADDR_LIST: '127.0.0.1',
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVA_BROADCAST_PORT: String(await freeUdpPort()),
    EPICS_PVAS_SERVER_PORT: '0',
  });
}

function specs(): ConsumerSpec[] {
  const pvRequest = monitorRequest({
    serverQueueSize: 1000,
    distributor: { pluginName: 'distributor', updates: 1 },
    oidField: 'uniqueId',
  });
  const steps = objectIdSteps({
    oidOffset: 0,
    distributorUpdates: 1,
    nDistributorSets: 1,
    nConsumers: CONSUMERS.length,
  });
  return CONSUMERS.map((consumerId) => ({
    consumerId,
    channels: {
      inputChannel: CHANNEL,
      outputChannel: `demo:consumer:${consumerId}:output`,
      statusChannel: `demo:consumer:${consumerId}:status`,
      controlChannel: `demo:consumer:${consumerId}:control`,
    },
    pvRequest,
    inputMode: 'pva',
    outputMode: 'pvas',
    receiverQueueSize: 1000,
    serverQueueSize: 1000,
    metadataChannels: [],
    metadataQueueSize: 1000,
    accumulateObjects: -1,
    accumulationTimeout: 1,
    objectIdField: 'uniqueId',
    skipInitialUpdates: 1,
    objectIdOffset: steps.oidOffset,
    nSequentialUpdates: steps.nSequentialUpdates,
    fieldRequest: '',
    warmUp: false,
    processorFile: undefined,
    processorClass: 'UserDataProcessor',
    processorWorkers: 0,
    workerQueueSize: 0,
    processorArgs: {},
    logLevel: undefined,
    logFile: undefined,
  }));
}

/** The simulator's process and what it has told. */
class Simulator {
  published = 0;
  readonly done: Promise<void>;
  private readonly child: ChildProcess;

  constructor() {
    this.child = fork(fileURLToPath(childEntry('demo-simulator')));
    this.done = new Promise((resolve, reject) => {
      this.child.on('message', (m) => {
        const message = m as FromSimulator;
        if (message.type === 'failed')
          reject(new UserError('HPC_SIMULATOR', `the simulator failed: ${message.line}`));
        else this.published = message.published;
        if (message.type === 'done') resolve();
      });
      this.child.on('exit', (code, signal) =>
        reject(
          new UserError('HPC_SIMULATOR', `the simulator process ended: ${signal ?? `exit code ${code}`}`),
        ),
      );
    });
    this.done.catch(() => {});
    const options = {
      channelName: CHANNEL,
      nx: SIZE,
      ny: SIZE,
      fps: FPS,
      runtime: SECONDS,
      subscribers: CONSUMERS.length,
    };
    this.send({ type: 'start', options });
  }

  private send(message: ToSimulator): void {
    if (this.child.connected) this.child.send(message, () => {});
  }

  /** The first call ends publishing, the second the process. */
  stop(): void {
    this.send({ type: 'stop' });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

async function main(signal: AbortSignal): Promise<number> {
  await isolate();
  const logging = createLogging({ name: 'demo', output: process.stderr });
  let failure: UserError | undefined;
  const ended = new AbortController();
  const group = new ProcessGroup({
    entry: childEntry('consumer-child'),
    specs: specs(),
    logger: logging.logger,
    onReport: () => {},
    onEnd: (error) => {
      failure ??= error;
      ended.abort();
    },
  });
  const simulator = new Simulator();
  process.once('exit', () => {
    group.kill();
    simulator.kill();
  });
  group.start();
  const view = await View.open(simulator);
  const stop = (): void => simulator.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  ended.signal.addEventListener('abort', stop, { once: true });

  let publishing = true;
  const done = simulator.done.finally(() => {
    publishing = false;
  });
  while (publishing) {
    view.show(await group.stats());
    await Promise.race([done, delay(VIEW_MS / 1000)]);
  }
  await done;
  const all = await settle(group, simulator, view);
  await group.stop();
  simulator.stop();
  view.end();
  if (failure) throw failure;
  const received = all.reduce((n, s) => n + receivedFrames(s), 0);
  const lost = all.reduce((n, s) => n + s.processorStats.nMissed, 0);
  const { line, balanced } = ledgerLine(simulator.published, received, lost);
  if (group.nRestarts > 0) process.stdout.write(`restarted consumers: ${group.nRestarts}\n`);
  process.stdout.write(`${line}\n`);
  logging.close();
  return balanced ? EXIT.ok : EXIT.error;
}

/** Waits until every published frame is accounted for, or nothing has changed for a while. */
async function settle(group: ProcessGroup, simulator: Simulator, view: View): Promise<StageTotals[]> {
  let last = -1;
  let since = performance.now();
  for (;;) {
    view.show(await group.stats());
    const all = group.lastTotals();
    const accounted = all.reduce((n, s) => n + receivedFrames(s) + s.processorStats.nMissed, 0);
    const queued = all.reduce((n, s) => n + (s.queueStats?.nQueued ?? 0), 0);
    if (accounted >= simulator.published && queued === 0) return all;
    if (accounted !== last) since = performance.now();
    else if (performance.now() - since > SETTLE_MS) return all;
    last = accounted;
    await delay(0.1);
  }
}

type LogUpdate = ReturnType<typeof createLogUpdate>;

class View {
  private readonly simulator: Simulator;
  private readonly update: LogUpdate | undefined;
  private readonly start = performance.now();
  private before = new Map<number, ConsumerStats>();
  private publishedBefore = 0;
  private shownAt = performance.now();
  private count = 0;

  static async open(simulator: Simulator): Promise<View> {
    if (!process.stdout.isTTY) return new View(simulator, undefined);
    const { createLogUpdate } = await import('log-update');
    return new View(simulator, createLogUpdate(process.stdout));
  }

  private constructor(simulator: Simulator, update: LogUpdate | undefined) {
    this.simulator = simulator;
    this.update = update;
    process.stdout.write(
      `${SIZE}x${SIZE} uint8 frames at ${FPS}/s for ${SECONDS} s on ${CHANNEL} (loopback), shared by ${CONSUMERS.length} consumers\n`,
    );
  }

  show(all: readonly ConsumerStats[]): void {
    const now = performance.now();
    const { published } = this.simulator;
    const state: DemoState = {
      elapsed: (now - this.start) / 1000,
      published,
      publishRate: ((published - this.publishedBefore) * 1000) / Math.max(1, now - this.shownAt),
      consumers: all.map((s) => rowOf(s, this.before.get(s.consumerId))),
    };
    this.shownAt = now;
    this.publishedBefore = published;
    this.before = new Map(all.map((s) => [s.consumerId, s]));
    if (this.update) this.update(tableText(state));
    else if (this.count++ % PLAIN_EVERY === 0 && all.length > 0)
      process.stdout.write(`${plainLine(state)}\n`);
  }

  /** The last view stays on the screen. */
  end(): void {
    this.update?.done();
  }
}

void runMain('hpc-demo', async ({ signal }) => main(signal));
