/** Processor workers that cannot run: one line, the same as without workers, and nothing is left behind. */
import { describe, expect, vi } from 'vitest';
import { fixture, LINE } from './support/processing.ts';
import { Unguarded } from './support/unguarded.ts';
import { it } from './support/world.ts';

// Each test here starts up to four processes.
vi.setConfig({ maxConcurrency: 2 });

describe.concurrent('a processor that cannot run', () => {
  it.for([
    ['bad-processors', 'ThrowsInConstructor', ''],
    ['bad-processors', 'ThrowsInStart', ''],
    ['bad-processors', 'ImpossibleType', ''],
    ['bad-processors', 'NoTypes', ''],
    ['bad-processors', 'Stranger', ''],
    ['no-such-file', 'Any', ''],
  ] as const)('says the same line as without workers: %s %s', async ([file, name], { world }) => {
    const without = await world.run(fixture(file, name));
    const group = Unguarded.start(world, `${fixture(file, name)} --processor-workers 2`);
    expect(await group.exited).toEqual({ code: without.code, signal: null });
    expect(group.stderr).toBe(without.stderr);
    expect(group.stderr.split('\n').length).toBe(2);
    expect(group.stdout).toBe('');
    await group.nothingLeft();
  });

  it('says what a worker does not have when it is touched', async ({ world }) => {
    const ending = await world.run(`${fixture('worker-processors', 'WantsServer')} -pw 2`);
    expect(ending.code).toBe(1);
    expect(ending.stderr).toMatch(
      /^hpc-consumer: error: the processor's start\(\) failed: Error: pvaServer is not available in a processor worker; [^\n]+ \(HPC_PROCESSOR\)\n$/,
    );
  });

  it.for([
    ['StitchTilesProcessor', `-pa '{"nx": 64, "ny": 64}'`],
    ['MovingAverageProcessor', ''],
    ['Alone', '-pf test/e2e/fixtures/worker-processors.ts'],
  ])('is refused when its class needs every object itself: %s', async ([name, more], { world }) => {
    const ending = await world.run(`${LINE} -pc ${name} ${more} -pw 2`);
    expect(ending.code).toBe(1);
    expect(ending.stderr).toBe(
      `hpc-consumer: error: --processor-workers: ${name} needs every object itself and cannot share them with other workers; leave the option out, or give 1 (HPC_BAD_ARGUMENT)\n`,
    );
  });

  it.for([
    ['--processor-workers 2', /there is no processor; give a class or a file/],
    [
      '--processor-workers 2 --processor-class UserDataProcessor --metadata-channels pva://temperature',
      /metadata channels do not reach processor workers/,
    ],
    ['--processor-workers -1', /--processor-workers: -1 is not from 0 to 256/],
    ['-pw 4 -wqs 3 -pc UserDataProcessor', /--worker-queue-size: 3 is not at least one for each of 4/],
  ] as const)('is refused: %s', async ([options, message], { world }) => {
    const ending = await world.run(`${LINE} ${options}`);
    expect(ending.code).toBe(1);
    expect(ending.stderr).toMatch(/^hpc-consumer: error: [^\n]*\(HPC_BAD_ARGUMENT\)\n$/);
    expect(ending.stderr).toMatch(message);
  });
});
