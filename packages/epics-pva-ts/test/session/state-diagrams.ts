/** State tables as a page: a mermaid diagram of what changes the state, and the whole table behind it. */
import type { Machine, StateTable } from '../support/state-machine.ts';

const HEAD = `# State diagrams

Every state machine of the protocol, as this library implements it. This page is generated from
[the table that the tests check](../../packages/epics-pva-ts/test/golden/state-table.json): in memory, without sockets,
every state meets every event. \`npx vitest run state-table -u\` writes both. The diagrams show what changes the state;
the tables show all of it: the state afterwards and what is sent or told.
`;

export function diagramPage(
  machines: readonly Machine[],
  tables: Readonly<Record<string, StateTable>>,
): string {
  return [HEAD, ...machines.map((m) => section(m, tables[m.name] as StateTable))].join('\n');
}

function section({ name, source, states }: Machine, table: StateTable): string {
  const lines = [`## ${name}`, '', `[\`${source.slice(4)}\`](../../packages/epics-pva-ts/${source})`, ''];
  lines.push('```mermaid', 'stateDiagram-v2');
  const all = new Set(Object.keys(states));
  for (const row of Object.values(table)) for (const outcome of Object.values(row)) all.add(stateOf(outcome));
  for (const state of all) lines.push(`  state "${state}" as ${idOf(state)}`);
  lines.push(`  [*] --> ${idOf(Object.keys(states)[0] as string)}`);
  for (const [state, row] of Object.entries(table)) {
    const events = new Map<string, string[]>();
    for (const [event, outcome] of Object.entries(row)) {
      const after = stateOf(outcome);
      if (after !== state) events.set(after, [...(events.get(after) ?? []), event]);
    }
    for (const [after, causes] of events)
      lines.push(`  ${idOf(state)} --> ${idOf(after)} : ${causes.join('\\n').replaceAll('#', '')}`);
  }
  lines.push('```', '');
  const names = Object.keys(states);
  lines.push(`| | ${names.join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`);
  for (const event of Object.keys(table[names[0] as string] ?? {})) {
    const cells = names.map((state) => cell(state, table[state]?.[event] as string));
    lines.push(`| ${event} | ${cells.join(' | ')} |`);
  }
  lines.push('');
  return lines.join('\n');
}

const stateOf = (outcome: string): string => outcome.split(' / ')[0] as string;
const idOf = (state: string): string => state.replaceAll(' ', '_');

/** The state is repeated only when it is another one; what was heard is text, and may hold anything. */
function cell(before: string, outcome: string): string {
  const [after, heard] = outcome.split(' / ') as [string, string?];
  const text = heard?.replaceAll('|', '\\|') ?? '';
  if (after === before) return text || '–';
  return `**${after}**${text ? `: ${text}` : ''}`;
}
