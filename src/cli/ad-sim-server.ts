/** The command `ad-sim-server`: options to an AdSimServer, its reports to standard output. */
import { AdSimServer } from '../../sim/ad-sim-server.ts';
import { parseDataType } from '../../sim/data-type.ts';
import { FrameCache } from '../../sim/frame-cache.ts';
import { type FrameSource, frameShape, parseColorMode } from '../../sim/frame-source.ts';
import { GeneratedFrames } from '../../sim/generated-frames.ts';
import { NpyFrames } from '../../sim/npy-frames.ts';
import { exitLine, reportLine, startLines, summaryLines } from '../../sim/report.ts';
import { SimError } from '../../sim/sim-error.ts';
import { UserError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { type AdSimServerOptions, adSimServerCommand } from './ad-sim-server-options.ts';
import { parseArguments } from './argparse.ts';
import { compileGradually } from './compile-gradually.ts';
import { delay } from './delay.ts';
import { sourceFigures } from './member-figures.ts';
import { runMain } from './run-main.ts';
import { publishWhenTold, supervised } from './supervised.ts';

function openSource(o: AdSimServerOptions): FrameSource {
  if (o.inputFile !== undefined || o.inputDirectory !== undefined)
    return new NpyFrames({
      ...(o.inputFile !== undefined && { files: [o.inputFile] }),
      ...(o.inputDirectory !== undefined && { directory: o.inputDirectory }),
      nFrames: o.nFrames,
    });
  return new GeneratedFrames({
    shape: frameShape(o.nXPixels, o.nYPixels, parseColorMode(o.colorMode)),
    dataType: parseDataType(o.datatype),
    ...(o.minimum !== undefined && { minimum: o.minimum }),
    ...(o.maximum !== undefined && { maximum: o.maximum }),
    nFrames: o.nFrames,
    // Smaller ones count as 1 (PvaPy), here as in the cache.
    cacheSize: Math.max(1, o.cacheSize),
  });
}

function checkChannelName(name: string): void {
  if (name === '') throw new UserError('HPC_CHANNEL_NAME', 'the channel name is empty');
  if (/\s/.test(name)) throw new UserError('HPC_CHANNEL_NAME', `the channel name '${name}' contains a blank`);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const o = parseArguments(adSimServerCommand, argv, VERSION);
  checkChannelName(o.channelName);
  compileGradually();
  const source = openSource(o);
  const cache = new FrameCache({ source, cacheSize: o.cacheSize });
  print(startLines(source, cache, o.frameRate));
  const server = new AdSimServer({
    channelName: o.channelName,
    source,
    cache,
    fps: o.frameRate,
    runtime: o.runtime,
    startDelay: o.startDelay,
    reportPeriod: o.reportPeriod,
    report: (id, progress) => print([reportLine(id, Date.now() / 1000, progress)]),
  });
  try {
    await server.start();
    cache.fill();
    print([`Frame producer is done, ${cache.nReady} frame(s) ready`]);
    print([`Serving ${o.channelName} on TCP port ${server.tcpPort}`]);
    const figures = () => [sourceFigures(server.progress.nPublished)];
    const reason = await publishWhenTold(figures, signal, (stop) => server.publish(stop));
    print([exitLine(reason, server.progress)]);
    // Those who read what was published decide how long it is served.
    await (supervised ? supervised.finished(signal) : delay(o.shutdownDelay, signal));
    print(summaryLines(source, server.progress));
    await supervised?.final(figures());
  } finally {
    await server.close();
    source.close?.();
  }
  return 0;
}

await runMain('ad-sim-server', async ({ argv, signal }) => {
  try {
    return await main(argv, signal);
  } catch (error) {
    if (!(error instanceof SimError)) throw error;
    throw new UserError(error.code === 'BAD_OPTION' ? 'HPC_BAD_ARGUMENT' : 'HPC_INPUT_FILE', error.message);
  }
});
