/**
 * `input: STAGE`: the output channels of one stage, or several, become the input channel option of another. Several
 * channels must be one name with `*` for an id, because that is all a command line can say.
 */
import { formatId } from '../pipeline/id-format.ts';
import type { StageOptions } from './option-values.ts';
import type { StageCommand } from './schema.ts';
import { idsOfConsumers, type StageChannels } from './stage-channels.ts';

/** A stage objects come from. */
export interface Upstream {
  readonly name: string;
  readonly command: StageCommand;
  readonly options: StageOptions;
  readonly channels: StageChannels;
}

/** A stage that gets its input channel. */
export interface Downstream {
  readonly command: StageCommand;
  readonly options: StageOptions;
}

/** A mistake in the wiring; the caller knows where. */
export class WiringError extends Error {
  override readonly name = 'WiringError';
}

function refuse(message: string): never {
  throw new WiringError(message);
}

/** Channels as one name with `*`, and the ids that stand there. */
interface Pattern {
  readonly text: string;
  readonly ids: readonly number[];
  readonly formatSpec: string | undefined;
}

/**
 * Sets the input channel of `to`, and for a collector the ids of its producers, unless the file does.
 * @throws WiringError
 */
export function wire(to: Downstream, from: readonly Upstream[]): void {
  const { command, options } = to;
  if (command === 'ad-sim-server') refuse('ad-sim-server has no input');
  if (command === 'mirror-server')
    refuse("mirror-server has no input channel; name the stage's output channel in its option 'channel-map'");
  if (options.has('input-channel'))
    refuse("has both 'input' and the option 'input-channel'; leave one of them out");
  for (const stage of from)
    if (outputsOf(stage).length === 0)
      refuse(
        `'${stage.name}' has no output channel${stage.options.knows('output-channel') ? "; give it the option 'output-channel'" : ''}`,
      );
  if (command === 'hpc-collector') wireCollector(options, from);
  else wireConsumers(options, from);
}

function outputsOf(stage: Upstream): string[] {
  return stage.channels.members.flatMap(({ outputs }) => outputs);
}

function wireCollector(options: StageOptions, from: readonly Upstream[]): void {
  const pattern = patternOf(from);
  options.set('input-channel', [pattern.text]);
  options.setDefault('producer-id-list', pattern.ids.join(','));
  if (pattern.formatSpec !== undefined) options.setDefault('id-format-spec', pattern.formatSpec);
}

function wireConsumers(options: StageOptions, from: readonly Upstream[]): void {
  const [only, ...more] = from;
  if (!only || more.length > 0) refuse('hpc-consumer takes one input; several are for an hpc-collector');
  const outputs = outputsOf(only);
  const [output = ''] = outputs;
  if (outputs.length === 1) {
    options.set('input-channel', [output]);
    return;
  }
  const pattern = patternOf(from);
  const ids = idsOfConsumers(options);
  const missing = ids.filter((id) => !pattern.ids.includes(id));
  if (missing.length > 0)
    refuse(
      `'${only.name}' has the output channels ${outputs.join(', ')}, but this stage the consumer ids ${ids.join(', ')}; give both the same ids, or put an hpc-collector between them`,
    );
  options.set('input-channel', [pattern.text]);
  if (pattern.formatSpec !== undefined) options.setDefault('id-format-spec', pattern.formatSpec);
}

function patternOf(from: readonly Upstream[]): Pattern {
  return givenPattern(from) ?? foundPattern(from);
}

/** All are consumers with the same name of output channel, with a `*` in it. */
function givenPattern(from: readonly Upstream[]): Pattern | undefined {
  const [first] = from;
  const text = first?.options.text('output-channel');
  const formatSpec = first?.options.text('id-format-spec');
  const same = from.every(
    ({ command, options }) =>
      command === 'hpc-consumer' &&
      options.text('output-channel') === text &&
      options.text('id-format-spec') === formatSpec,
  );
  if (!same || text === undefined) return undefined;
  const pattern = text === '_' ? 'pvapy:consumer:*:output' : text;
  if (!pattern.includes('*')) return undefined;
  return { text: pattern, ids: from.flatMap(({ options }) => idsOfConsumers(options)), formatSpec };
}

/** Names that differ in one number only, or a single name. */
function foundPattern(from: readonly Upstream[]): Pattern {
  const all = from.flatMap(outputsOf);
  const [first = '', ...rest] = all;
  const numbers = [...first.matchAll(/\d+/g)];
  for (const number of numbers) {
    const head = first.slice(0, number.index);
    const tail = first.slice(number.index + number[0].length);
    const ids = all.map((name) => {
      const middle = name.slice(head.length, name.length - tail.length);
      const fits = name.startsWith(head) && name.endsWith(tail) && /^\d+$/.test(middle);
      return fits && formatId(Number(middle)) === middle ? Number(middle) : undefined;
    });
    if (ids.every((id) => id !== undefined) && (rest.length > 0 || numbers.length === 1))
      return { text: `${head}*${tail}`, ids, formatSpec: undefined };
  }
  // A collector of one producer needs no *.
  if (rest.length === 0) return { text: first, ids: [1], formatSpec: undefined };
  return refuse(
    `the input channels ${all.join(', ')} are not one name with a number that differs; name them so, for example with * for the consumer id in 'output-channel'`,
  );
}
