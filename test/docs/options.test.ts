/**
 * The option tables of the reference are those of the commands. To write them anew after a change of a table:
 *
 *   npx vitest run test/docs/options.test.ts -u
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { adSimServerOptions } from '../../src/cli/ad-sim-server-options.ts';
import { hpcCollectorOptions } from '../../src/cli/hpc-collector-options.ts';
import { hpcConsumerOptions } from '../../src/cli/hpc-consumer-options.ts';
import { hpcPipelineOptions } from '../../src/cli/hpc-pipeline-options.ts';
import { mirrorServerOptions } from '../../src/cli/mirror-server-options.ts';
import { optionsMarkdown } from '../../src/cli/option-help.ts';
import type { OptionTable } from '../../src/cli/option-table.ts';
import { ROOT } from '../e2e/support/world.ts';
import { read } from './support/documents.ts';

const COMMAND = 'npx vitest run test/docs/options.test.ts -u';

it.for<[string, OptionTable]>([
  ['hpc-consumer', hpcConsumerOptions],
  ['hpc-collector', hpcCollectorOptions],
  ['mirror-server', mirrorServerOptions],
  ['ad-sim-server', adSimServerOptions],
  ['hpc-pipeline', hpcPipelineOptions],
])(`docs/reference/%s.md holds the command's options (${COMMAND} writes them)`, async ([name, table]) => {
  const file = `docs/reference/${name}.md`;
  const begin = `<!-- Options: made from src/cli/${name}-options.ts by \`${COMMAND}\` -->\n`;
  const end = '<!-- End of options -->';
  const [before = '', rest] = read(file).split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${file}: no place for the options between\n${begin}${end}`);
  const wanted = `${before}${begin}\n${optionsMarkdown(table)}\n${end}${after}`;
  await expect(wanted, `${file} is not up to date: ${COMMAND}`).toMatchFileSnapshot(join(ROOT, file));
});
