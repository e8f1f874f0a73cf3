/** Which client is measured with which server: each implementation with its own, and with the other's. */
import type { Implementation } from './roles.ts';

export interface Contest {
  readonly ours: Implementation;
  readonly peer: Implementation | undefined;
  /** Runs of each pair, taken in turn. */
  readonly rounds: number;
}

/** The runs of each pair; only `own` without a peer. */
export interface Pairings<R> {
  readonly own: readonly R[];
  readonly theirs?: readonly R[];
  readonly oursWithTheirServer?: readonly R[];
  readonly theirsWithOurServer?: readonly R[];
}

/** Has every pair do one run a round. */
export async function inTurn<R>(
  { ours, peer, rounds }: Contest,
  once: (server: Implementation, client: Implementation) => Promise<R>,
): Promise<Pairings<R>> {
  const pairs: readonly (readonly [keyof Pairings<R>, Implementation, Implementation])[] = [
    ['own', ours, ours],
    ...(peer
      ? ([
          ['theirs', peer, peer],
          ['oursWithTheirServer', peer, ours],
          ['theirsWithOurServer', ours, peer],
        ] as const)
      : []),
  ];
  const runs: Partial<Record<keyof Pairings<R>, R[]>> = {};
  for (let round = 0; round < rounds; round++)
    for (const [name, server, client] of pairs) {
      const all = runs[name] ?? [];
      runs[name] = all;
      all.push(await once(server, client));
    }
  return { own: [], ...runs };
}
