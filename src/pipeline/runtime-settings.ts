/**
 * The keys of a `configure` command that the framework itself understands (pvapy-behaviour.md 3.5, and more). All are
 * checked before any is applied: a bad value changes nothing.
 */
import { UserError } from '../errors.ts';
import type { ReceiverSettings } from '../input/data-receiver.ts';

/** What a stage can change while it runs; what is left out stays. */
export interface RuntimeSettings extends ReceiverSettings {
  /** So many of the next objects are not processed. */
  readonly skipInitialUpdates?: number | undefined;
  readonly objectIdOffset?: number | undefined;
  readonly nSequentialUpdates?: number | undefined;
  readonly collectorCacheSize?: number | undefined;
  readonly objectsPerId?: number | undefined;
  /** In seconds. */
  readonly gapTimeout?: number | undefined;
}

export type SettingName = keyof RuntimeSettings;

/** The keys a stage understands: true, or why the key cannot be used as this stage was started. */
export type Settable = Readonly<Partial<Record<SettingName, true | string>>>;

/** The largest number of objects, and of seconds, that makes sense. */
const MOST = 1e9;

interface Rule {
  readonly least: number;
  readonly whole: boolean;
}

const RULES: Readonly<Record<SettingName, Rule>> = {
  skipInitialUpdates: { least: 0, whole: true },
  objectIdOffset: { least: 1, whole: true },
  nSequentialUpdates: { least: 1, whole: true },
  receiverQueueSize: { least: 0, whole: true },
  accumulateObjects: { least: -1, whole: true },
  accumulationTimeout: { least: 0.001, whole: false },
  collectorCacheSize: { least: 1, whole: true },
  objectsPerId: { least: 0, whole: true },
  gapTimeout: { least: 0.001, whole: false },
};

/**
 * The framework's settings among the arguments of a `configure` command; all other keys are the processor's.
 * @throws UserError `HPC_BAD_ARGUMENT` naming every key that has a bad value or cannot be used here
 */
export function runtimeSettings(args: unknown, settable: Settable): RuntimeSettings {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return {};
  const settings: { -readonly [K in SettingName]?: number } = {};
  const mistakes: string[] = [];
  for (const [key, value] of Object.entries(args)) {
    if (!Object.hasOwn(settable, key)) continue;
    const name = key as SettingName;
    const mistake = mistakeIn(name, value, settable[name]);
    if (mistake) mistakes.push(`${name}: ${mistake}`);
    else settings[name] = value as number;
  }
  if (mistakes.length > 0)
    throw new UserError('HPC_BAD_ARGUMENT', `${mistakes.join('; ')}; nothing was changed`);
  return settings;
}

function mistakeIn(name: SettingName, value: unknown, usable: true | string | undefined): string | undefined {
  if (typeof usable === 'string') return usable;
  const { least, whole } = RULES[name];
  const isNumber = typeof value === 'number' && value >= least && value <= MOST;
  if (isNumber && (!whole || Number.isInteger(value))) return undefined;
  const wanted = whole
    ? `a whole number from ${least} to ${MOST}`
    : `a number of seconds from ${least} to ${MOST}`;
  return `${JSON.stringify(value)} is not ${wanted}`;
}
