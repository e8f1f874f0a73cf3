/**
 * PvaPy's streaming framework document, with its command lines: Data Encryption, and Input/Output Modes and Firewalls
 * with the environment variables as written. `hostA` and `hostB` are processes that no broadcast connects.
 */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { Context, clientConfigFromEnv, NTNDArray } from 'epics-pva-ts';
import { describe, expect } from 'vitest';
import { freePorts } from '../../bench/peers/ports.ts';
import { idsFrom, type Status, status, statusWhen } from './support/consumer.ts';
import {
  channels,
  expectAllProcessed,
  handledBy,
  IMAGE_PROCESSOR,
  stopAll,
  streamThrough,
} from './support/document.ts';
import { running, watch } from './support/processing.ts';
import { it, until, type World } from './support/world.ts';

const SIMULATOR = 'ad-sim-server -cn pvapy:image -nx 128 -ny 128 -dt uint8 -rt 60 -fps 1';

describe('Data Encryption', () => {
  it('what is encrypted with a private key is decrypted with it, and processed', async ({ world }) => {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const file = world.file('id_rsa', privateKey);
    chmodSync(file, 0o600);
    const encrypt = await world.start(
      `hpc-consumer --input-channel pvapy:image ${channels('enc')} --processor-class pvapy.hpc.adImageDataEncryptor.AdImageDataEncryptor --processor-args '{"privateKeyFilePath" : "${file}", "sign" : 1}' --report-period 10 --log-level debug`,
    );
    await world.start(
      `hpc-consumer --input-channel enc:*:output ${channels('dec')} --processor-class pvapy.hpc.adImageDataDecryptor.AdImageDataDecryptor --oid-field objectId --processor-args '{"privateKeyFilePath" : "${file}", "verify" : 1}' --report-period 10 --log-level debug`,
    );
    await world.start(
      `hpc-consumer --input-channel dec:*:output ${channels('proc')} ${IMAGE_PROCESSOR} --report-period 10 --log-level debug`,
    );
    const ids = watch(world, 'proc:1:output', (value) => Number(value.get('uniqueId')));
    const published = await streamThrough(world, SIMULATOR, { fps: 20, runtime: 2, watched: [ids] }, [
      'proc:1',
    ]);
    const all = await handledBy(world, ['enc:1', 'dec:1', 'proc:1'], 3 * published);
    for (const s of all) expectAllProcessed(s, published);
    expect(all.map((s) => s.userStats)).toMatchObject([
      { nEncrypted: published },
      { nDecrypted: published, nRejected: 0, nUnknownKey: 0, nReplayed: 0, nMalformed: 0 },
      { nProcessed: published },
    ]);
    // The first value of the channel is the initial update's, which is no image to be turned.
    expect(ids.filter((id) => id > 0)).toEqual(idsFrom(1, published));

    // Terminal 5.
    const [raw, secret, plain, turned] = await Promise.all(
      ['pvapy:image', 'enc:1:output', 'dec:1:output', 'proc:1:output'].map((name) => world.context.get(name)),
    );
    expect(secret?.id).toBe('epics:hpc:EncryptedData:1.0');
    expect(plain?.toJS()).toEqual(raw?.toJS());
    expect(turned && NTNDArray.is(turned)).toBe(true);
    await stopAll(world, ['enc:1']);
    expect(await encrypt.waitForExit(15_000)).toMatchObject({ code: 0, signal: null });
  });
});

describe('Input/Output Modes and Firewalls', () => {
  it('images go from A to B and back to A by ports that B connects to', async ({ world }) => {
    const [source, processing, saving] = [await freePorts(), await freePorts(), await freePorts()];
    const nameServers = `127.0.0.1:${source.serverPort} 127.0.0.1:${saving.serverPort}`;
    const ownPort = world.env['EPICS_PVAS_SERVER_PORT'];
    const see = new Context(
      clientConfigFromEnv({
        ...world.env,
        EPICS_PVA_NAME_SERVERS: `${nameServers} 127.0.0.1:${ownPort}`,
      }),
    );
    try {
      // The same world, seen through all of its firewalls.
      const seen = Object.create(world, { context: { value: see } }) as World;
      await world.start(
        `hpc-consumer --input-channel stage1:*:output --control-channel stage2:*:control --status-channel stage2:*:status --output-channel stage:*:output --processor-class pvapy.hpc.adImageProcessor.AdImageProcessor --report-period 10 --skip-initial-updates 0 --consumer-id 1 --input-mode pvas`,
        isolated(saving.serverPort, saving.broadcastPort),
      );
      await running(seen, 'stage2:1');
      await world.start(
        `hpc-consumer --input-channel pvapy:image ${channels('stage1')} --processor-class pvapy.hpc.adImageProcessor.AdImageProcessor --report-period 10 --server-queue-size 100 --consumer-id 1 --output-mode pva`,
        { ...isolated(Number(ownPort), processing.broadcastPort), EPICS_PVA_NAME_SERVERS: nameServers },
      );
      // It serves what the other one puts into: a put has 5 s.
      await status(seen, 'stage2:1');
      const published = await streamThrough(
        seen,
        'ad-sim-server -cn pvapy:image -nx 256 -ny 256 -dt uint8 -rt 60 -fps 1 -rp 1',
        { fps: 50, runtime: 3, env: isolated(source.serverPort, source.broadcastPort) },
        ['stage1:1'],
      );
      const one = await statusWhen(
        seen,
        'stage1:1',
        'done',
        ({ publisherStats: p }) => p.nPublished + p.nErrors === published,
      );
      expectAllProcessed(one, published);
      const [two] = (await handledBy(seen, ['stage2:1'], published)) as [Status];
      expect(two.receiverStats).toMatchObject({ nReceived: published, nRejected: 0, nErrors: 0 });
      expect(two.processorStats).toMatchObject({
        firstObjectId: 1,
        lastObjectId: published,
        nProcessed: published,
        nMissed: 0,
        nErrors: 0,
      });
      await until(async () => {
        const [sent, saved] = await Promise.all(
          ['pvapy:image', 'stage:1:output'].map(async (name) => new NTNDArray(await see.get(name))),
        );
        expect(saved?.uniqueId).toBe(published);
        expect(saved?.pixels).toEqual(sent?.pixels);
      });
      // No search of this world reaches any of them but by the ports.
      await expect(world.context.get('pvapy:image', { timeout: 1 })).rejects.toThrow(/pvapy:image/);
    } finally {
      await see.close();
    }
  });
});

/** As the document has it: a server port, and a broadcast port that nobody else uses. */
function isolated(serverPort: number, broadcastPort: number): NodeJS.ProcessEnv {
  return {
    EPICS_PVAS_SERVER_PORT: String(serverPort),
    EPICS_PVA_BROADCAST_PORT: String(broadcastPort),
    EPICS_PVAS_BROADCAST_PORT: String(broadcastPort),
  };
}
