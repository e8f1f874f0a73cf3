/** The command `mirror-server`: a channel map to a MirrorServer, its counters to standard output. */
import { AccessSecurity } from 'epics-pva-ts';
import { createLogging, parseLogLevel } from '../log.ts';
import { timerMs } from '../long-timer.ts';
import { type MirrorChannelSpec, parseChannelMap } from '../mirror/channel-map.ts';
import { MirrorServer } from '../mirror/mirror-server.ts';
import { warmUp } from '../mirror/warm-up.ts';
import { ControlRecord } from '../pipeline/control-record.ts';
import { VERSION } from '../version.ts';
import type { LiveView } from '../view/live-view.ts';
import { parseArguments } from './argparse.ts';
import { warmUpSoon } from './engine-flags.ts';
import { mirrorFigures } from './member-figures.ts';
import { mirrorServerCommand } from './mirror-server-options.ts';
import { watchMirror } from './mirror-view.ts';
import { checkDrainTimeout } from './option-checks.ts';
import { runMain } from './run-main.ts';
import { ending } from './run-stage.ts';
import { openView } from './stage-view.ts';
import { supervised } from './supervised.ts';

const now = (): string => (Date.now() / 1000).toFixed(3);

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function describeSpec({ mirror, source, queueSize, nMonitors, request }: MirrorChannelSpec): string {
  return `Mirror channel: ${mirror}, source channel: ${source}, provider: pva, queue size: ${queueSize}, monitors: ${nMonitors}, request: field(${request})`;
}

function counterLines(server: MirrorServer): string[] {
  return [...server.stats()].map(([name, { nReceived, nOverruns }]) => {
    return `Channel ${name} @ ${now()}: {'nReceived': ${nReceived}, 'nOverruns': ${nOverruns}}`;
  });
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const o = parseArguments(mirrorServerCommand, argv, VERSION);
  const channels = parseChannelMap(o.channelMap);
  const level = o.logLevel === undefined ? undefined : parseLogLevel(o.logLevel);
  const { logger, close } = createLogging({
    name: 'mirror-server',
    ...(level && { level }),
    ...(o.logFile !== undefined && { file: o.logFile }),
  });
  checkDrainTimeout(o.drainTimeout);
  const file = o.accessSecurityFile;
  const access = file === undefined ? {} : { accessSecurity: await AccessSecurity.fromFile(file) };
  const end = ending(signal, o.runtime);
  const control = new ControlRecord(
    {},
    {
      resetStats: () => server.resetStats(),
      getStats: () => {
        server.updateStatus();
        if (!view) print(['', ...counterLines(server)]);
      },
      stop: end.done,
    },
  );
  const server = new MirrorServer({
    channels,
    statusChannel: o.statusChannel,
    control: o.controlChannel === undefined ? undefined : { channel: o.controlChannel, pv: control.pv },
    logger,
    server: access,
  });
  let view: LiveView | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    await server.start();
    print([...channels.map(describeSpec), `Started mirror server @ ${now()}`]);
    supervised?.serve(() => mirrorFigures(server.totals()));
    supervised?.onFinish(() => server.endReception());
    // Who asks for queues expects a fast stream.
    if (channels.some(({ queueSize }) => queueSize > 0))
      warmUpSoon(() => warmUp({ idle: () => server.idle }));
    const started = performance.now();
    view = openView(o);
    const closeView = view && watchMirror(view, server);
    if (!view && o.reportPeriod > 0)
      timer = setInterval(() => print(['', ...counterLines(server)]), timerMs(o.reportPeriod * 1000));
    await end.promise;
    clearInterval(timer);
    const nUnsent = await server.drain(o.drainTimeout * 1000);
    closeView?.();
    const seconds = (performance.now() - started) / 1000;
    print([
      `Server ${signal.aborted ? 'was interrupted' : 'exiting'} after ${seconds.toFixed(3)} seconds`,
      '',
      'Channel counters:',
      ...counterLines(server),
      ...(nUnsent > 0 ? [`Not sent: ${nUnsent} update(s) that clients did not take`] : []),
    ]);
    await supervised?.final(mirrorFigures(server.totals()));
  } finally {
    clearInterval(timer);
    await server.close();
    close();
  }
}

void runMain('mirror-server', async ({ argv, signal }) => main(argv, signal));
