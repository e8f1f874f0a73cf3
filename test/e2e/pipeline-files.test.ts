/** `hpc-pipeline` and its files: what `check`, `--dry-run` and `schema` say, and the example chains, which all run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Child, spawnChild } from '../../bench/peers/child.ts';
import { STAGE_COMMAND_SPECS } from '../../src/cli/stage-commands.ts';
import { type LedgerFigures, ledgerOf, outputOf, PATIENCE_MS } from './support/pipeline.ts';
import { it, ROOT } from './support/world.ts';

const EXAMPLES = 'examples/pipelines';

interface Example {
  readonly file: string;
  /** What the ledger must say, from the number of frames published. */
  readonly ledger: (frames: number) => Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What it prints and leaves behind. */
  readonly check?: (frames: number, output: string, folder: string) => void;
}

const all = (n: number) => ({
  received: n,
  processed: n,
  errors: 0,
  rejected: 0,
  queued: 0,
  missed: 0,
  published: n,
});

/** A figure of the processors' own, over all last reports. */
function sumOf(figure: string, output: string): number {
  const values = Array.from(output.matchAll(new RegExp(`'${figure}': (\\d+)`, 'g')), ([, value]) =>
    Number(value),
  );
  if (values.length === 0) throw new Error(`no figure ${figure} in\n${output}`);
  return values.reduce((sum, value) => sum + value, 0);
}

/** Every image got the values of both metadata channels. */
function hasAllValues(frames: number, output: string): void {
  expect(sumOf('nFramesProcessed', output)).toBe(frames);
  expect(sumOf('nMetadataProcessed', output)).toBe(2 * frames);
  for (const name of ['nFrameErrors', 'nMissing_1', 'nMissing_2']) expect(sumOf(name, output), name).toBe(0);
}

const EXAMPLE_CHAINS: readonly Example[] = [
  {
    file: 'processing-chain.yaml',
    ledger: (n) => ({ rotate: all(n), average: all(n), statistics: all(n) }),
  },
  { file: 'parallel-chain.yaml', ledger: (n) => ({ workers: all(n), collector: all(n) }) },
  {
    file: 'split-and-stitch.yaml',
    ledger: (n) => ({
      split: { ...all(n), published: 4 * n },
      workers: { received: 4 * n, processed: 4 * n, published: 4 * n },
      stitch: { ...all(4 * n), published: n },
    }),
    check: (n, output) => expect(sumOf('nFramesStitched', output)).toBe(n),
  },
  {
    file: 'metadata-in-consumers.yaml',
    ledger: (n) => ({ attach: all(n), collector: all(n) }),
    check: hasAllValues,
  },
  {
    file: 'metadata-in-collector.yaml',
    ledger: (n) => ({ workers: all(n), attach: all(n) }),
    check: hasAllValues,
  },
  {
    file: 'writer-chain.yaml',
    ledger: (n) => ({ statistics: all(n), writers: { received: n, processed: n, errors: 0, missed: 0 } }),
    check: (n, _output, folder) => {
      const files = readdirSync(join(folder, 'frames')).filter((name) => name.endsWith('.tiff'));
      expect(files).toHaveLength(n);
    },
  },
];

describe('an example', () => {
  it('is in this test', () => {
    const files = readdirSync(join(ROOT, EXAMPLES)).filter((name) => name.endsWith('.yaml'));
    expect(files.toSorted()).toEqual(EXAMPLE_CHAINS.map(({ file }) => file).toSorted());
  });

  for (const example of EXAMPLE_CHAINS) {
    const { file, ledger, check } = example;
    const settings = '--set SECONDS=2 --set FPS=50';
    const set = file.startsWith('writer')
      ? (folder: string) => `${settings} --set OUTPUT=${folder}/frames`
      : () => settings;

    it(`${file} prints its commands`, async ({ world }) => {
      const { code, stdout } = await world.run(
        `hpc-pipeline run --dry-run ${EXAMPLES}/${file} ${set(world.folder)}`,
      );
      expect(code).toBe(0);
      const names = stdout
        .trimEnd()
        .split('\n')
        .map((line) => /bin\/([\w-]+)\.js/.exec(line)?.[1]);
      expect(names.at(-1)).toBe('ad-sim-server');
      expect(names.length).toBe(Object.keys(ledger(1)).length + 1);
    });

    it(`${file} runs, and every frame is accounted for`, async ({ world }) => {
      const child = await world.start(
        `hpc-pipeline run ${EXAMPLES}/${file} --fail-on-loss ${set(world.folder)}`,
      );
      const { code } = await child.waitForExit(PATIENCE_MS);
      const output = outputOf(child);
      expect(code, output).toBe(0);
      const found: LedgerFigures = ledgerOf(output);
      expect(found).toMatchObject({ lost: 0, verdict: 'balanced' });
      const frames = found.stages['detector']?.['published'] ?? 0;
      expect(frames).toBe(100);
      expect(found.stages).toMatchObject(ledger(frames));
      expect(found.links.every((link) => link.endsWith(' lost=0'))).toBe(true);
      check?.(frames, output, world.folder);
    });
  }
});

const GOOD = `name: good
stages:
  - name: det
    command: ad-sim-server
    options: { channel-name: det:image, frame-rate: 20 }
`;

describe('hpc-pipeline check', () => {
  it('says what a good file would start', async ({ world }) => {
    const file = world.file('good.yaml', GOOD);
    const { code, stdout, stderr } = await world.run(`hpc-pipeline check ${file}`);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${file}: good: 1 stages, started in the order det\n`,
      stderr: '',
    });
  });

  it.for(['check', 'run'])('lists all mistakes with their places (%s)', async (action, { world }) => {
    const file = world.file('bad.yaml', GOOD.replace('frame-rate: 20', 'frame-rat: 20, n-x-pixels: 0'));
    const { code, stdout, stderr } = await world.run(`hpc-pipeline ${action} ${file}`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      `${file}:5:41: stage 'det': ad-sim-server has no option 'frame-rat'; did you mean 'frame-rate'?`,
      `${file}:5:68: stage 'det': option 'n-x-pixels': must be at least 1, not 0`,
      `hpc-pipeline: error: 2 mistakes in '${file}' (HPC_PIPELINE)`,
      '',
    ]);
  });

  it('says in one line what cannot be read', async ({ world }) => {
    const missing = await world.run(`hpc-pipeline check ${world.folder}/none.yaml`);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(
      /^hpc-pipeline: error: cannot read the pipeline file '.*none.yaml': .*\(HPC_PIPELINE\)\n$/,
    );
    const folder = world.file('folder.yaml', `directory: nowhere\n${GOOD}`);
    expect((await world.run(`hpc-pipeline run ${folder}`)).stderr).toMatch(
      /directory 'nowhere' of .*: there is no folder/,
    );
  });

  it.for([
    ['', 'No action given: run FILE, check FILE, or schema.'],
    ['start x.yaml', "unknown action 'start'; it is run, check or schema"],
    ['run', 'no file given: hpc-pipeline run FILE'],
    ['run a.yaml b.yaml', 'one file at a time, not also b.yaml'],
    ['schema a.yaml', "'schema' takes no file"],
    ['run a.yaml --frob', "Unrecognized option: '--frob'."],
    ['run a.yaml --set x', "--set 'x': give it as name=value"],
  ] as const)("'%s' is wrong usage", async ([line, text], { world }) => {
    const { code, stderr } = await world.run(`hpc-pipeline ${line}`);
    expect(code).toBe(2);
    expect(stderr).toBe(`hpc-pipeline: error: ${text} ('hpc-pipeline -h' for help.)\n`);
  });
});

describe('hpc-pipeline run --dry-run', () => {
  it('prints commands that a shell runs, and that do what the chain does', async ({ world }) => {
    const file = world.file(
      'chain.yaml',
      `name: chain
environment: { HPC_TEST_NAME: "it's" }
stages:
  - name: det
    command: ad-sim-server
    options: { channel-name: 'det:image', n-x-pixels: 16, n-y-pixels: 16, frame-rate: 50, runtime: 1, start-delay: 6, n-frames: 5 }
  - name: pass
    command: hpc-consumer
    input: det
    options: { output-channel: 'pass:out', processor-class: UserDataProcessor, server-queue-size: 100, report-period: 0.2 }
`,
    );
    const { stdout } = await world.run(`hpc-pipeline run -n ${file}`);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^cd .* && env -u .* EPICS_PVA_ADDR_LIST=127\.0\.0\.1 .* HPC_TEST_NAME='it'\\''s' node .*hpc-consumer\.js /,
    );
    const shells: Child[] = [];
    for (const line of lines) {
      const shell = await spawnChild({ command: '/bin/sh', args: ['-c', line], env: world.env, name: 'sh' });
      world.own({ [Symbol.asyncDispose]: async () => void (await shell.stop({ signal: 'SIGKILL' })) });
      shells.push(shell);
      // The simulator comes last, and its first frame when the consumer, which runs by then, has found it.
      if (shells.length === 1) await shell.waitForLine(/'consumerId': 1/, PATIENCE_MS);
    }
    await shells[1]?.waitForLine(/Server exiting after reaching runtime/, PATIENCE_MS);
    await shells[0]?.waitForLine(/'nProcessed': 50\b/, PATIENCE_MS);
  });
});

describe('hpc-pipeline schema', () => {
  it('is a JSON schema that knows every key and every option', async ({ world }) => {
    const { code, stdout } = await world.run('hpc-pipeline schema');
    expect(code).toBe(0);
    const schema = JSON.parse(stdout);
    expect(schema.$schema).toContain('json-schema.org');
    expect(schema.required).toEqual(['name', 'stages']);
    const stage = schema.properties.stages.items;
    expect(stage.additionalProperties).toBe(false);
    for (const rule of stage.allOf) {
      const spec = Object.values(STAGE_COMMAND_SPECS).find(
        ({ name }) => name === rule.if.properties.command.const,
      );
      expect(Object.keys(rule.then.properties.options.properties)).toEqual(
        spec?.options.map(({ long }) => long.slice(2)),
      );
    }
  });
});

describe('other commands', () => {
  it('load neither YAML nor zod', () => {
    const built = join(ROOT, 'dist/src/cli');
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file) || !existsSync(file)) return;
      seen.add(file);
      for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(
        /^(?:import|export) .*?from ["']([^"']+)["']/gm,
      )) {
        expect(name, file).not.toMatch(/^(yaml|zod)$/);
        if (name.startsWith('.')) visit(join(file, '..', name));
      }
    };
    for (const command of Object.keys(STAGE_COMMAND_SPECS)) visit(join(built, `${command}.js`));
    expect(seen.size).toBeGreaterThan(50);
  });
});
