/** What tests ask a running mirror-server: the rows of its status channel `mirror:status`. */
import { NTTable } from 'epics-pva-ts';
import type { World } from './world.ts';

/** The counters of each mirror, by its name. */
export async function mirrorRows(world: World): Promise<Map<string, Record<string, unknown>>> {
  const table = await world.context.get('mirror:status', { timeout: 40 });
  return new Map(NTTable.rows(table).map((row) => [String(row['mirror']), row]));
}
