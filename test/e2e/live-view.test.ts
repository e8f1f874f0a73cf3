/** The commands at a real pseudo-terminal: a live view on the full screen, and the terminal as it was afterwards. */
import { describe, expect } from 'vitest';
import { AtTerminal, expectGivenBack } from './support/at-terminal.ts';
import { Detector } from './support/detector.ts';
import { it, until } from './support/world.ts';

const CONSUMER = 'hpc-consumer -ic pvapy:image -sqs 100';
const CTRL_C = '\x03';

/** The whole screen was used, and is given back. */
function expectWasFull(at: AtTerminal): void {
  expect(at.wasFull).toBe(true);
  expectGivenBack(at);
}

// `script` of util-linux, which makes the pseudo-terminal, is Linux's.
describe.skipIf(process.platform !== 'linux')('at a terminal', { concurrent: true }, () => {
  it('hpc-consumer shows each consumer live, and at the end its report on the normal screen', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const at = AtTerminal.start(world, `${CONSUMER} -nc 2 -rqs 50 -rp 1 -pc UserDataProcessor`);
    await detector.subscribers(2);
    await detector.publish(40);
    await at.shows(/^hpc-consumer {3}pvapy:image {3}0:00:\d\d {3}cpu \d+ % {3}[1-9]\d+ MB$/m);
    await at.shows(
      /^consumer {2}state +received +per s +processed +per s +missed +errors +published +refused +queued$/m,
    );
    for (const row of ['1', '2'])
      await at.shows(new RegExp(`^${row} +\\w+ +41 +\\d+\\.\\d +40 +\\d+\\.\\d +0 +0 +- +0 +0$`, 'm'));
    await at.shows(/^all +82 +\d+\.\d +80 +\d+\.\d +0 +0 +- +0 +0$/m);
    expect(at.terminal.full).toBe(true);
    expect(at.text).not.toContain('processorStats');
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expectWasFull(at);
    expect(at.text).not.toContain('received  ');
    expect(at.text).toMatch(
      /'consumerId': 1,[\s\S]*'consumerId': 2,[\s\S]*\nCombined System Stats:\n\n\{ 'latencyStats': [\s\S]*'processorStats': \{.*'nProcessed': 80,/,
    );
  });

  it.for([
    [CONSUMER, 1],
    ['hpc-collector -ic pvapy:image -pid 1 -sqs 100 -pc UserDataProcessor', 2],
  ] as const)('%s shows that its input is not there, and when it is', async ([line, nRows], { world }) => {
    const at = AtTerminal.start(world, line);
    const rows = (state: string, received: number): RegExp =>
      new RegExp(`(^ *1 +${state} +(pvapy:image +)?${received} [^]*){${nRows}}`, 'm');
    await at.shows(rows('disconnected', 0));
    const detector = await Detector.start(world);
    await detector.subscribers(1);
    await at.shows(/^ *1 +(idle|receiving) +(pvapy:image +)?1 /m);
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
  });

  it('a consumer that dies is seen restarting, and its last words are printed afterwards', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const at = AtTerminal.start(
      world,
      `${CONSUMER} -nc 2 -pf test/e2e/fixtures/lifecycle-processor.ts -pc Careless`,
    );
    await detector.subscribers(2);
    await detector.publish(3);
    await at.showed(/^[12] +restarting\b/m);
    await at.shows(/^Log$[\s\S]*nobody waits for this/m);
    await detector.subscribers(2);
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expectWasFull(at);
    expect(at.text).toMatch(
      /nobody waits for this[\s\S]*ERROR hpc-consumer: consumer [12] \(process \d+\) died/,
    );
    expect(at.text).toContain('Restarted consumers: ');
  });

  it('hpc-collector shows its producers', async ({ world }) => {
    const detector = await Detector.start(world, { channel: 'c:1' });
    const at = AtTerminal.start(world, 'hpc-collector -ic c:* -pid 1 -sqs 100 -pc UserDataProcessor');
    await detector.subscribers(1);
    await detector.publish(10);
    await at.shows(/^hpc-collector {3}c:\* {3}0:00:\d\d {3}cpu \d+ % {3}[1-9]\d+ MB$/m);
    await at.shows(/^ +1 {2}\w+ +10 +\d+\.\d +0 +0 +0 +10 +0 +-$/m);
    await at.shows(/^ +1 {2}\w+ +c:1 +11 +\d+\.\d +0 +0 +- +-$/m);
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expectWasFull(at);
    expect(at.text).toMatch(/'collectorStats': \{.*'nCollected': 10,/);
  });

  it('mirror-server shows its channels', async ({ world }) => {
    const detector = await Detector.start(world);
    const at = AtTerminal.start(world, 'mirror-server -cm (copy,pvapy:image,pva,100) -rp 1');
    await detector.subscribers(1);
    await detector.publish(10);
    await at.shows(
      /^mirror {2}state +received +per s +published +overruns +disconnects\ncopy +\w+ +11 +\d+\.\d +11 +0 +0$/m,
    );
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expectWasFull(at);
    expect(at.text).toMatch(
      /^Mirror channel: copy[\s\S]*Server was interrupted[\s\S]*\nChannel copy @ .*'nReceived': 11, 'nOverruns': 0\}/,
    );
  });

  it('ad-sim-server shows what it publishes, to the end of its runtime', async ({ world }) => {
    const at = AtTerminal.start(world, 'ad-sim-server -nx 8 -ny 8 -std 0 -rt 2 -fps 50 -shd 2');
    await at.shows(/^ad-sim-server {3}pvapy:image {3}0:00:0\d$/m);
    await at.shows(/^publishing +\d+ +\d+\.\d +\d+\.\d +0$/m);
    await at.shows(/^done +100 +/m);
    expect(await at.exited).toBe(0);
    expectWasFull(at);
    expect(at.text).toMatch(
      /^Number of input frames: [\s\S]*\nServing pvapy:image on TCP port \d+\nServer exiting after reaching runtime of [\s\S]*\nPublished frames: +100 @ /m,
    );
    expect(at.text).not.toContain('Published frame id');
  });

  it.for(['-dc', '-ll error', '-rp 0.2 -dc'])('%s keeps to lines', async (options, { world }) => {
    const detector = await Detector.start(world);
    const at = AtTerminal.start(world, `${CONSUMER} ${options}`);
    await detector.subscribers(1);
    if (options.startsWith('-rp')) await at.shows(/'consumerId': 1,/);
    at.type(CTRL_C);
    expect(await at.exited).toBe(0);
    expect(at.wasFull).toBe(false);
    expect(at.text).toMatch(/'consumerId': 1,/);
  });

  it('an error is on the normal screen, one line, with its exit code', async ({ world }) => {
    const at = AtTerminal.start(world, `${CONSUMER} -pc NoSuchClass`);
    expect(await at.exited).toBe(1);
    expectWasFull(at);
    expect(at.text).toMatch(/^hpc-consumer: error: [^\n]*NoSuchClass[^\n]*\(HPC_\w+\)$/);
  });

  it('an uncaught error of user code, and a second Ctrl-C, leave the terminal in order', async ({
    world,
  }) => {
    const detector = await Detector.start(world);
    const careless = AtTerminal.start(
      world,
      `${CONSUMER} -pf test/e2e/fixtures/lifecycle-processor.ts -pc Careless`,
    );
    await detector.subscribers(1);
    await detector.publish(3);
    expect(await careless.exited).toBe(1);
    expectWasFull(careless);
    expect(careless.text).toMatch(/^hpc-consumer: internal error: Error: nobody waits for this/);

    const impatient = AtTerminal.start(world, 'ad-sim-server -std 0 -rt 60 -fps 50 -rp 0');
    await impatient.shows(/^publishing/m);
    impatient.type(CTRL_C + CTRL_C);
    await impatient.exited;
    expectWasFull(impatient);
    await until(() => expect(impatient.text).toContain('Serving pvapy:image'));
  });
});
