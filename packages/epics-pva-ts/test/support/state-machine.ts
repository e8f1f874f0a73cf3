/**
 * State machines under test: how to bring one into each of its states, what can happen to it, and what is seen of it.
 * Every state meets every event; what comes of it is one cell of a table.
 */

/** One machine and its surroundings, in a known state. */
export interface Subject {
  /** The state it is in now. */
  state(): string;
  /** What was sent, and what users and logs were told, since the last call. */
  heard(): Promise<string[]>;
}

export interface Machine<S extends Subject = Subject> {
  readonly name: string;
  /** The file that implements it, from the package's folder. */
  readonly source: string;
  /** How to come into each state; the first one is where the machine begins. */
  readonly states: Readonly<Record<string, () => Promise<S>>>;
  readonly events: Readonly<Record<string, (subject: S) => void | Promise<void>>>;
}

/** Of each state, what each event makes of it: the state afterwards, then ` / ` and what was heard. */
export type StateTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Tries every event in every state. @throws Error when a state cannot be reached */
export async function tableOf<S extends Subject>(machine: Machine<S>): Promise<StateTable> {
  const table: Record<string, Record<string, string>> = {};
  for (const [state, reach] of Object.entries(machine.states)) {
    const row: Record<string, string> = {};
    for (const [event, happen] of Object.entries(machine.events)) {
      const subject = await reach();
      await subject.heard();
      if (subject.state() !== state)
        throw new Error(`${machine.name}: meant to be ${state}, is ${subject.state()}`);
      await happen(subject);
      const heard = await subject.heard();
      row[event] = [subject.state(), ...(heard.length > 0 ? [heard.join(', ')] : [])].join(' / ');
    }
    table[state] = row;
  }
  return table;
}
