/**
 * The channel map of `mirror-server`: `(mirror,source[,provider[,queueSize[,nMonitors[,request]]]])`, several joined
 * by commas. Grammar of PvaPy (pvapy-behaviour.md 8.2); blanks around members do not count here, and what PvaPy ends
 * with a traceback is one line.
 */
import { insteadOfChannelAccess } from '../channel-provider.ts';
import { UserError } from '../errors.ts';

export interface MirrorChannelSpec {
  /** Name under which the mirror server serves the channel. */
  readonly mirror: string;
  /** Name of the channel that is mirrored. */
  readonly source: string;
  /** More than 0: updates the source's server may queue for each monitor. */
  readonly queueSize: number;
  /** Monitors of the source. More than one share its stream by the distributor that the request must name. */
  readonly nMonitors: number;
  /** What stands inside `field(...)`; empty for all fields. A `;` separates distributor options. */
  readonly request: string;
}

const MAX_MEMBERS = 6;
/** Each is a subscription of its own. */
const MAX_MONITORS = 1000;
/** Channels and monitors are counted in a table that clients read; longer maps are slips of the keyboard. */
const MAX_CHANNELS = 10_000;

function refuse(message: string): never {
  throw new UserError('HPC_CHANNEL_MAP', message);
}

/**
 * @throws UserError `HPC_CHANNEL_MAP` for text that is no map, an unknown provider, a mirror name that comes twice,
 *   and channels that would mirror each other in a circle
 */
export function parseChannelMap(text: string): MirrorChannelSpec[] {
  const specs = tuples(text).map(parseTuple);
  if (specs.length === 0) refuse('the channel map is empty; it looks like (mirror,source),(mirror2,source2)');
  if (specs.length > MAX_CHANNELS) refuse(`${specs.length} channels are more than ${MAX_CHANNELS}`);
  const sources = new Map<string, string>();
  for (const { mirror, source } of specs) {
    if (sources.has(mirror)) refuse(`the mirror channel '${mirror}' is given twice`);
    sources.set(mirror, source);
  }
  for (const { mirror } of specs) refuseLoop(mirror, sources);
  return specs;
}

function tuples(text: string): string[] {
  const parts: string[] = [];
  const whole = /\s*\(([^()]*)\)\s*(,|$)/y;
  while (whole.lastIndex < text.length) {
    const from = whole.lastIndex;
    const match = whole.exec(text);
    if (!match)
      refuse(`channel map: cannot read '${text.slice(from)}'; a channel looks like (mirror,source,pva,10)`);
    parts.push(match[1] ?? '');
    if (match[2] === ',' && whole.lastIndex >= text.length)
      refuse('channel map: nothing follows the last comma');
  }
  return parts;
}

function parseTuple(text: string): MirrorChannelSpec {
  const members = text.split(',').map((member) => member.trim());
  const [mirror = '', source = '', provider = 'pva', queueSize = '0', nMonitors = '1', request = ''] =
    members;
  const at = `channel map: (${text})`;
  if (members.length > MAX_MEMBERS)
    refuse(
      `${at}: ${members.length} members, at most ${MAX_MEMBERS}: mirror,source,provider,queueSize,nMonitors,request`,
    );
  if (mirror === '' || source === '') refuse(`${at}: a mirror channel and a source channel are needed`);
  if (/\s/.test(mirror) || /\s/.test(source)) refuse(`${at}: a channel name contains a blank`);
  if (provider.toLowerCase() === 'ca')
    refuse(`${at}: ${insteadOfChannelAccess(source, `(${mirror},${source},pva)`)}`);
  if (provider !== '' && provider.toLowerCase() !== 'pva')
    refuse(`${at}: unknown provider '${provider}'; it is pva`);
  const spec = {
    mirror,
    source,
    queueSize: integer(queueSize, 0, 1_000_000, `${at}: queue size`),
    nMonitors: integer(nMonitors, 1, MAX_MONITORS, `${at}: number of monitors`),
    request,
  };
  refuseUnshared(spec, at);
  return spec;
}

/**
 * Monitors that do not share the stream receive every update each, and the mirror would serve it so many times. PvaPy
 * does so (pvapy-behaviour.md 8.3); its documented use of several monitors is the distributor's alone.
 */
function refuseUnshared(spec: MirrorChannelSpec, at: string): void {
  const { mirror, source, queueSize, nMonitors, request } = spec;
  if (nMonitors === 1 || isShared(request)) return;
  const group = mirror.replaceAll(/[^\w.-]/g, '-');
  const map = (more: string): string => `(${mirror},${source},pva,${queueSize},${more})`;
  refuse(
    `${at}: ${nMonitors} monitors that do not share by a distributor would publish every update ${nMonitors} times; ` +
      `write ${map(request ? `1,${request}` : '1')}, ` +
      `or ${map(`${nMonitors},_[pydistributor=updates:1;group:${group};trigger:uniqueId]`)}`,
  );
}

/**
 * Does each monitor with this request get some of the updates only? `distributor` is pvDatabase's plugin of this kind,
 * `pydistributor` PvaPy's; in mode `all`, and with no `updates`, all of them get the same (pvapy-behaviour.md 10.2).
 */
function isShared(request: string): boolean {
  const [, options] = /^_\s*\[\s*(?:py)?distributor\s*=([^\]]*)\]$/.exec(request) ?? [];
  if (options === undefined) return false;
  const items = options.split(';').map((item) => item.split(':').map((part) => part.trim()));
  const value = (key: string): string | undefined =>
    items.findLast(([name, text]) => text !== undefined && name?.toLowerCase().startsWith(key))?.[1];
  const mode = value('mode')?.toLowerCase() ?? (value('set') ? 'all' : 'one');
  return Number.parseInt(value('updates') ?? '1', 10) > 0 && mode === 'one';
}

function integer(text: string, least: number, most: number, what: string): number {
  const value = text === '' ? least : Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    refuse(`${what} '${text}' is not a whole number from ${least} to ${most}`);
  return value;
}

/** Follows a mirror to where its data comes from. */
function refuseLoop(start: string, sources: ReadonlyMap<string, string>): void {
  const way = [start];
  for (let at = sources.get(start); at !== undefined; at = sources.get(at)) {
    way.push(at);
    if (at === start) refuse(`channels would mirror themselves: ${way.join(' from ')}`);
    // A circle further on is reported for its own members.
    if (way.length > sources.size) return;
  }
}

/** The pvRequest text of a channel's monitors. */
export function mirrorRequest({ queueSize, request }: MirrorChannelSpec): string {
  return `${queueSize > 0 ? `record[queueSize=${queueSize}]` : ''}field(${request})`;
}
