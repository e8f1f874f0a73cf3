/**
 * Every state meets every event. What comes of it is test/golden/state-table.json, reviewed by people; a change of
 * behaviour changes the table (`npx vitest run state-table -u` writes it), and the diagrams that are made from it:
 * docs/explanation/state-diagrams.md.
 */
import { describe, expect, it } from 'vitest';
import { type StateTable, tableOf } from '../support/state-machine.ts';
import { diagramPage } from './state-diagrams.ts';
import { MACHINES } from './state-machines.ts';

const TABLE = new URL('../golden/state-table.json', import.meta.url);
const PAGE = new URL('../../../../docs/explanation/state-diagrams.md', import.meta.url);

describe('every state of', () => {
  const tables: Record<string, StateTable> = {};

  it.each(MACHINES.map((m) => [m.name, m] as const))(
    '%s knows what to do about every event',
    async (name, machine) => {
      const table = await tableOf(machine);
      tables[name] = table;
      expect(Object.keys(table)).toEqual(Object.keys(machine.states));
      for (const row of Object.values(table)) expect(Object.keys(row)).toEqual(Object.keys(machine.events));
    },
  );

  it('is in the table, and does what is written there', async () => {
    expect(Object.keys(tables)).toEqual(MACHINES.map((m) => m.name));
    await expect(`${JSON.stringify(tables, null, 2)}\n`).toMatchFileSnapshot(TABLE.pathname);
  });

  it('ends in a state the machine has', () => {
    for (const { name, states } of MACHINES)
      for (const [state, row] of Object.entries(tables[name] as StateTable))
        for (const [event, outcome] of Object.entries(row)) {
          const after = outcome.split(' / ')[0] as string;
          expect([...Object.keys(states), 'closed', 'none'], `${name}, ${state}, ${event}`).toContain(after);
        }
  });

  it('is drawn in docs/explanation/state-diagrams.md', async () => {
    await expect(diagramPage(MACHINES, tables)).toMatchFileSnapshot(PAGE.pathname);
  });
});
