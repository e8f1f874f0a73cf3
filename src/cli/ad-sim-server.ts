/** The command `ad-sim-server`: options to an AdSimServer, its reports to standard output. */
import { AdSimServer } from '../../sim/ad-sim-server.ts';
import { type CodecName, compressFrames } from '../../sim/compressed-frames.ts';
import { parseDataType } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { type FrameSource, frameShape, parseColorMode } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';
import { openInput } from '../../sim/input-files.ts';
import { exitLine, reportLine, startLines, summaryLines } from '../../sim/report.ts';
import { SimError } from '../../sim/sim-error.ts';
import { UserError } from '../errors.ts';
import { VERSION } from '../version.ts';
import type { LiveView } from '../view/live-view.ts';
import { channelEndLines, channelStartLines, notify, simulatorChannels } from './ad-sim-server-channels.ts';
import { type AdSimServerOptions, adSimServerCommand } from './ad-sim-server-options.ts';
import { parseArguments } from './argparse.ts';
import { delay } from './delay.ts';
import { compileEarly } from './engine-flags.ts';
import { sourceFigures } from './member-figures.ts';
import { runMain } from './run-main.ts';
import { watchSimulator } from './simulator-view.ts';
import { openView } from './stage-view.ts';
import { publishWhenTold, supervised } from './supervised.ts';

async function openSource(o: AdSimServerOptions): Promise<FrameSource> {
  const source = await openFrames(o);
  return o.codec === 'none' ? source : compressFrames(source, o.codec as CodecName);
}

async function openFrames(o: AdSimServerOptions): Promise<FrameSource> {
  const colorMode = parseColorMode(o.colorMode);
  if (o.inputFile !== undefined || o.inputDirectory !== undefined || o.configFile !== undefined)
    return openInput({
      ...(o.inputFile !== undefined && { files: [o.inputFile] }),
      directory: o.inputDirectory,
      nFrames: o.nFrames,
      colorMode,
      hdfDataset: o.hdfDataset,
      hdfAsStored: o.hdfCompressionMode,
      configFile: o.configFile,
    });
  return new GeneratedFrames({
    shape: frameShape(o.nXPixels, o.nYPixels, colorMode),
    dataType: parseDataType(o.datatype),
    ...(o.minimum !== undefined && { minimum: o.minimum }),
    ...(o.maximum !== undefined && { maximum: o.maximum }),
    nFrames: o.nFrames,
    // Smaller ones count as 1 (PvaPy), here as in the cache.
    cacheSize: Math.max(1, o.cacheSize),
  });
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const o = parseArguments(adSimServerCommand, argv, VERSION);
  const channels = simulatorChannels(o);
  const source = await openSource(o);
  const kind = o.playback === 'auto' ? undefined : o.playback === 'once' ? 'once' : 'recycled';
  const cache = new FrameCache({ source, cacheSize: o.cacheSize, kind });
  // Opened when everything about the start has been printed; reports are lines where there is none.
  let view: LiveView | undefined;
  const server = new AdSimServer({
    ...channels,
    source,
    cache,
    fps: o.frameRate,
    runtime: o.runtime,
    startDelay: o.startDelay,
    reportPeriod: o.reportPeriod,
    warmingUp: compileEarly,
    report: (id, progress) => {
      if (!view) print([reportLine(id, Date.now() / 1000, progress)]);
    },
  });
  // Only now: what it refuses shall be the only line.
  print(startLines(source, cache, o.frameRate));
  print(channelStartLines(o, channels));
  try {
    await server.start();
    cache.fill();
    print([`Frame producer is done, ${cache.nReady} frame(s) ready`]);
    print([`Serving ${channels.channelName.join(', ')} on TCP port ${server.tcpPort}`]);
    print(await notify(channels.notify, o.notifyPvValue, signal));
    view = openView(o);
    const watching = view && watchSimulator(view, channels.channelName.join(', '), server);
    const figures = () => [sourceFigures(server.progress.nPublished)];
    const reason = await publishWhenTold(figures, signal, (stop) => server.publish(stop));
    watching?.over();
    print([exitLine(reason, server.progress)]);
    // Those who read what was published decide how long it is served.
    await (supervised ? supervised.finished(signal) : delay(o.shutdownDelay, signal));
    watching?.close();
    print(channelEndLines(server));
    const sent = source.codec === undefined ? undefined : cache.nBytesTaken / Math.max(1, cache.nTaken);
    print(summaryLines(source, server.progress, sent));
    await supervised?.final(figures());
  } finally {
    view?.close();
    await server.close();
    source.close?.();
  }
  return 0;
}

void runMain('ad-sim-server', async ({ argv, signal }) => {
  try {
    return await main(argv, signal);
  } catch (error) {
    if (!(error instanceof SimError)) throw error;
    throw new UserError(error.code === 'BAD_OPTION' ? 'HPC_BAD_ARGUMENT' : 'HPC_INPUT_FILE', error.message);
  }
});
