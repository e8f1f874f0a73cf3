/**
 * The options of the commands are PvaPy's: names and defaults below are those of PvaPy 5.6's `--help`, and its documented command lines are read as written.
 */
import { describe, expect, it } from 'vitest';
import { DATA_TYPES } from '../../sim/data-type.ts';
import { adSimServerCommand, adSimServerOptions } from '../../src/cli/ad-sim-server-options.ts';
import { parseArguments } from '../../src/cli/argparse.ts';
import { CommandExit } from '../../src/cli/command-exit.ts';
import { hpcCollectorCommand, hpcCollectorOptions } from '../../src/cli/hpc-collector-options.ts';
import { hpcConsumerCommand, hpcConsumerOptions } from '../../src/cli/hpc-consumer-options.ts';
import { mirrorServerCommand, mirrorServerOptions } from '../../src/cli/mirror-server-options.ts';
import type { OptionTable } from '../../src/cli/option-table.ts';

function names(table: OptionTable): Record<string, unknown> {
  return Object.fromEntries(
    table.map((spec) => [`${spec.short} ${spec.long}`, 'default' in spec ? spec.default : undefined]),
  );
}

const consumer = (line: string) => parseArguments(hpcConsumerCommand, line.split(' '), '1');
const simulator = (line: string) => parseArguments(adSimServerCommand, line.split(' '), '1');

describe('hpc-consumer', () => {
  it("has PvaPy's names and defaults", () => {
    expect(names(hpcConsumerOptions)).toStrictEqual({
      '-id --consumer-id': 1,
      '-nc --n-consumers': 1,
      '-cid --consumer-id-list': undefined,
      '-ic --input-channel': undefined,
      '-im --input-mode': 'pva',
      '-oc --output-channel': undefined,
      '-om --output-mode': 'pvas',
      '-sc --status-channel': undefined,
      '-cc --control-channel': undefined,
      '-ifs --id-format-spec': undefined,
      '-sqs --server-queue-size': 0,
      '-rqs --receiver-queue-size': -1,
      '-mc --metadata-channels': undefined,
      '-ao --accumulate-objects': -1,
      '-at --accumulation-timeout': 1,
      '-pf --processor-file': undefined,
      '-pc --processor-class': undefined,
      '-pa --processor-args': undefined,
      '-of --oid-field': 'uniqueId',
      '-oo --oid-offset': 0,
      '-fr --field-request': '',
      // 1, as PvaPy's, where there is an initial update.
      '-siu --skip-initial-updates': undefined,
      '-dpn --distributor-plugin-name': 'pydistributor',
      '-dg --distributor-group': undefined,
      '-ds --distributor-set': undefined,
      '-dt --distributor-trigger': undefined,
      '-du --distributor-updates': undefined,
      '-nds --n-distributor-sets': 1,
      '-rt --runtime': 0,
      '-rp --report-period': 0,
      '-rs --report-stats': 'all',
      '-ll --log-level': undefined,
      '-lf --log-file': undefined,
      '-dc --disable-curses': undefined,
      // Ours.
      '-fol --fail-on-loss': undefined,
      '-pw --processor-workers': 0,
      '-wqs --worker-queue-size': 0,
      '-dto --drain-timeout': 5,
      '-sp --status-period': 10,
      '-ssc --system-status-channel': undefined,
    });
  });

  it('reads the documented line of several sets of consumers', () => {
    const options = consumer(
      '--input-channel pvapy:image --control-channel consumer:*:control --status-channel consumer:*:status ' +
        '--output-channel consumer:*:output --processor-file hpcAdImageProcessorExample.ts ' +
        '--processor-class HpcAdImageProcessor --report-period 10 --log-level debug --n-consumers 2 ' +
        '--distributor-updates 3 --consumer-id 3 --n-distributor-sets 2 --distributor-set B',
    );
    expect(options).toMatchObject({
      inputChannel: 'pvapy:image',
      controlChannel: 'consumer:*:control',
      statusChannel: 'consumer:*:status',
      outputChannel: 'consumer:*:output',
      processorFile: 'hpcAdImageProcessorExample.ts',
      processorClass: 'HpcAdImageProcessor',
      reportPeriod: 10,
      logLevel: 'debug',
      nConsumers: 2,
      distributorUpdates: 3,
      consumerId: 3,
      nDistributorSets: 2,
      distributorSet: 'B',
      inputMode: 'pva',
      outputMode: 'pvas',
    });
  });

  it('reads short options with negative values', () => {
    expect(consumer('-ic x -rqs -1 -oo -3 -siu 0 -ll INFO')).toMatchObject({
      receiverQueueSize: -1,
      oidOffset: -3,
      skipInitialUpdates: 0,
      logLevel: 'info',
    });
  });

  it("takes PvaPy's numbers of modes", () => {
    const modes = (line: string) => {
      const { inputMode, outputMode } = consumer(`-ic x ${line}`);
      return [inputMode, outputMode];
    };
    expect(modes('-im 0 -om 0')).toEqual(['pva', 'pva']);
    expect(modes('-im 1 -om 1')).toEqual(['pvas', 'pvas']);
    expect(modes('-im 2 -om 2')).toEqual(['rpc', 'rpc']);
  });

  const modes = 'choose from pva, pvas, rpc)';
  it.each([
    ['-im constructor', `'constructor' (${modes}`],
    ['-im 5', `'5' (${modes}`],
    [
      '-im ca',
      `'ca' (${modes}: Channel Access is not offered; write --input-mode pva, for IOCs with QSRV serve`,
    ],
    ['-im 3', `'3' (${modes}: Channel Access is not offered`],
    ['-im EJFAT', `'EJFAT' (${modes}: the EJFAT mode is not offered (docs/decisions/0011`],
    ['-im 4', `'4' (${modes}: the EJFAT mode is not offered`],
  ])('says which modes exist for %s, and why not one that PvaPy has', (line, text) => {
    expect(() => consumer(`-ic x ${line}`)).toThrowError(
      `argument -im/--input-mode: invalid choice: ${text}`,
    );
  });

  it('the same for the output', () => {
    const refused =
      "argument -om/--output-mode: invalid choice: 'ejfat' (choose from pvas, pva, rpc): the EJFAT";
    expect(() => consumer('-ic x -om ejfat')).toThrowError(refused);
  });

  it('takes the mode in any case', () => {
    expect(consumer('-ic x -im PVA -om PVAS')).toMatchObject({ inputMode: 'pva', outputMode: 'pvas' });
  });

  it('refuses options that do not exist as unknown', () => {
    expect(() => consumer('-ic x --input-args {}')).toThrowError('Unrecognized argument(s): --input-args {}');
  });
});

describe('hpc-collector', () => {
  const collector = (line: string) => parseArguments(hpcCollectorCommand, line.split(' '), '1');

  it("has PvaPy's names and defaults", () => {
    expect(names(hpcCollectorOptions)).toStrictEqual({
      '-id --collector-id': 1,
      '-pid --producer-id-list': '1,2',
      '-ic --input-channel': undefined,
      '-oc --output-channel': undefined,
      '-sc --status-channel': undefined,
      '-cc --control-channel': undefined,
      '-ifs --id-format-spec': undefined,
      '-sqs --server-queue-size': 0,
      '-rqs --receiver-queue-size': -1,
      '-ccs --collector-cache-size': -1,
      '-pf --processor-file': undefined,
      '-pc --processor-class': undefined,
      '-pa --processor-args': undefined,
      '-of --oid-field': 'uniqueId',
      '-oo --oid-offset': 1,
      '-fr --field-request': '',
      '-siu --skip-initial-updates': 1,
      '-mc --metadata-channels': undefined,
      '-rt --runtime': 0,
      '-rp --report-period': 0,
      '-rs --report-stats': 'all',
      '-ll --log-level': undefined,
      '-lf --log-file': undefined,
      '-dc --disable-curses': undefined,
      // Ours.
      '-gt --gap-timeout': 5,
      '-opi --objects-per-id': 0,
      '-fol --fail-on-loss': undefined,
      '-pw --processor-workers': 0,
      '-wqs --worker-queue-size': 0,
      '-dto --drain-timeout': 5,
      '-sp --status-period': 10,
    });
  });

  it('reads the documented line of the data collector', () => {
    const options = collector(
      '--collector-id 1 --producer-id-list 1,2,3,4 --input-channel consumer:*:output ' +
        '--control-channel collector:*:control --status-channel collector:*:status ' +
        '--output-channel collector:*:output --processor-class pvapy.hpc.userDataProcessor.UserDataProcessor ' +
        '--report-period 10 --server-queue-size 100 --collector-cache-size 100',
    );
    expect(options).toMatchObject({
      collectorId: 1,
      producerIdList: '1,2,3,4',
      inputChannel: 'consumer:*:output',
      controlChannel: 'collector:*:control',
      statusChannel: 'collector:*:status',
      outputChannel: 'collector:*:output',
      processorClass: 'pvapy.hpc.userDataProcessor.UserDataProcessor',
      reportPeriod: 10,
      serverQueueSize: 100,
      collectorCacheSize: 100,
    });
  });

  it('takes one process and pvAccess only, as PvaPy', () => {
    for (const line of ['-nc 2', '-im rpc', '-dg 1'])
      expect(() => collector(`-ic x:* ${line}`)).toThrowError('Unrecognized argument(s)');
  });
});

describe('mirror-server', () => {
  const mirror = (argv: readonly string[]) => parseArguments(mirrorServerCommand, argv, '1');

  it("has PvaPy's names and defaults", () => {
    expect(names(mirrorServerOptions)).toStrictEqual({
      '-cm --channel-map': undefined,
      '-rt --runtime': 0,
      '-rp --report-period': 0,
      // Ours.
      '-sc --status-channel': undefined,
      '-cc --control-channel': undefined,
      '-asf --access-security-file': undefined,
      '-dto --drain-timeout': 5,
      '-ll --log-level': undefined,
      '-lf --log-file': undefined,
      '-dc --disable-curses': undefined,
    });
  });

  it('reads the documented line', () => {
    expect(
      mirror(['--channel-map', '(pvapy:image,ad:image,pva,1000)', '-rt', '60', '-rp', '-1']),
    ).toMatchObject({
      channelMap: '(pvapy:image,ad:image,pva,1000)',
      runtime: 60,
      reportPeriod: -1,
    });
  });
});

describe('ad-sim-server', () => {
  it("has PvaPy's names and defaults", () => {
    expect(names(adSimServerOptions)).toStrictEqual({
      '-cn --channel-name': 'pvapy:image',
      '-mpv --metadata-pv': undefined,
      '-npv --notify-pv': undefined,
      '-nvl --notify-pv-value': '1',
      '-id --input-directory': undefined,
      '-if --input-file': undefined,
      '-hds --hdf-dataset': undefined,
      '-hcm --hdf-compression-mode': undefined,
      '-cfg --config-file': undefined,
      '-pb --playback': 'auto',
      '-cdc --codec': 'none',
      '-mm --mmap-mode': undefined,
      '-nf --n-frames': 0,
      '-cs --cache-size': 1000,
      '-nx --n-x-pixels': 256,
      '-ny --n-y-pixels': 256,
      '-dt --datatype': 'uint8',
      '-cm --color-mode': 0,
      '-mn --minimum': undefined,
      '-mx --maximum': undefined,
      '-fps --frame-rate': 20,
      '-rt --runtime': 300,
      '-std --start-delay': 10,
      '-shd --shutdown-delay': 10,
      '-rp --report-period': 1,
      '-dc --disable-curses': undefined,
      // Ours.
      '-rto --ramp-to': undefined,
      '-rtm --ramp-time': undefined,
      '-bst --burst': 1,
    });
  });

  it('reads the documented line of a fast stream', () => {
    expect(simulator('-cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 10000 -rp 10000')).toMatchObject({
      channelName: 'pvapy:image',
      nXPixels: 128,
      nYPixels: 128,
      datatype: 'uint8',
      runtime: 60,
      frameRate: 10000,
      reportPeriod: 10000,
      startDelay: 10,
    });
  });

  // PvaPy takes each of NumPy's names, though its help leaves out those of 64 bits.
  it.each(Object.keys(DATA_TYPES))('makes pixels of the type %s', (type) => {
    expect(simulator(`-dt ${type}`)).toMatchObject({ datatype: type });
  });

  it.each([
    ['-nx 0', 'argument -nx/--n-x-pixels: must be at least 1, not 0'],
    ['-dt uint128', "argument -dt/--datatype: invalid choice: 'uint128'"],
    ['-cm 1', 'argument -cm/--color-mode: invalid choice: 1 (choose from 0, 2, 3, 4)'],
    ['-std -1', 'argument -std/--start-delay: must be at least 0, not -1'],
  ])('refuses %s', (line, message) => {
    expect(() => simulator(line)).toThrowError(message);
    expect(() => simulator(line)).toThrowError(CommandExit);
  });
});
