/** The warm-up of a mirror server: frames come out of mirrors, and it stands back as soon as a stream begins. */
import { NTScalar, Server, SharedPV, serverConfigFromEnv } from 'epics-pva-ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLogging } from '../../src/log.ts';
import { MirrorServer } from '../../src/mirror/mirror-server.ts';
import { warmUp } from '../../src/mirror/warm-up.ts';

/** With time enough on the busiest machine. */
const maxMs = 20_000;
const WAIT = { timeout: 20_000 };

describe('the warm-up of a mirror server', () => {
  it('runs frames through mirrors, and they come out', async () => {
    let published = 0;
    await warmUp({
      maxMs,
      idle: (count) => {
        published = count;
        return count < 1000;
      },
    });
    expect(published).toBeGreaterThanOrEqual(1000);
  });

  it('asks between its slices, and does nothing when a stream runs already', async () => {
    let calls = 0;
    await warmUp({ maxMs, idle: () => ++calls < 4 });
    expect(calls).toBe(4);
    await warmUp({ maxMs, idle: () => ++calls < 4 });
    expect(calls).toBe(5);
  });
});

describe('a mirror server', () => {
  it('is idle until its source sends more than it began with, and not after its end', async () => {
    const source = Server.isolated();
    onTestFinished(() => source.close());
    const pv = SharedPV.readonly(NTScalar.create('int', 1));
    await source.addPV('warm-up:source', pv).start();
    const loopback = {
      ...serverConfigFromEnv({ EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1' }),
      tcpPort: 0,
      udpPort: 0,
    };
    const mirror = (): MirrorServer =>
      new MirrorServer({
        channels: [
          { mirror: 'warm-up:mirror', source: 'warm-up:source', queueSize: 10, nMonitors: 1, request: '' },
        ],
        logger: createLogging({ name: 'test', output: { write: () => {} } }).logger,
        server: { ...loopback, beaconDestinations: [], autoBeacon: false },
        client: source.clientConfig(),
      });
    const first = mirror();
    onTestFinished(() => first.close());
    await first.start();
    await vi.waitFor(() => expect(first.stats().get('warm-up:mirror')?.nPublished).toBe(1), WAIT);
    expect(first.idle).toBe(true);
    pv.post({ value: 2 });
    await vi.waitFor(() => expect(first.stats().get('warm-up:mirror')?.nPublished).toBe(2), WAIT);
    expect(first.idle).toBe(false);

    const second = mirror();
    await second.start();
    expect(second.idle).toBe(true);
    await second.close();
    expect(second.idle).toBe(false);
  });
});
