/**
 * Abort, close, loss of the channel and of the connection at every moment of every client operation: it ends as it
 * should, once, and neither side keeps anything of it.
 */
import { describe, expect, it } from 'vitest';
import { ProcessRequest } from '../../src/client/process-request.ts';
import { PutGetReadRequest, PutGetRequest } from '../../src/client/put-get-request.ts';
import { GetRequest, InfoRequest, PutRequest, RpcRequest } from '../../src/client/requests.ts';
import { SharedPV } from '../../src/server/shared-pv.ts';
import { struct } from '../../src/value/type-def.ts';
import { Value } from '../../src/value/value.ts';
import { JoinedSession } from '../support/joined-session.ts';
import { settled } from '../support/memory-transport.ts';

const INT = struct('', { value: 'int' });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Turns of the event loop after which every operation below is over. */
const LAST_MOMENT = 16;
const later = async (): Promise<void> => {
  await turn();
  await turn();
};

/** Everything a client can ask, answered after a moment. */
function served(): SharedPV {
  const pv = new SharedPV({
    onPut: async (self, value) => {
      await later();
      self.post(value);
    },
    onProcess: later,
    onRpc: async () => {
      await later();
      return null;
    },
  });
  pv.open(Value.create(INT, { value: 1 }));
  return pv;
}

type Make = (s: JoinedSession, signal: AbortSignal) => { begin(): { readonly promise: Promise<unknown> } };
/** By name; `repeats`: what was under way is asked again after a reconnection. */
const OPERATIONS: Readonly<Record<string, { make: Make; repeats: boolean }>> = {
  get: {
    make: (s, signal) => new GetRequest(s.channel('p'), { timeout: 0, signal }),
    repeats: true,
  },
  info: {
    make: (s, signal) => new InfoRequest(s.channel('p'), { timeout: 0, signal }),
    repeats: true,
  },
  put: {
    make: (s, signal) => new PutRequest(s.channel('p'), 5, { timeout: 0, signal }),
    repeats: false,
  },
  'put-get': {
    make: (s, signal) => new PutGetRequest(s.channel('p'), 5, { timeout: 0, signal }),
    repeats: false,
  },
  'get-put': {
    make: (s, signal) => new PutGetReadRequest(s.channel('p'), 'put', { timeout: 0, signal }),
    repeats: true,
  },
  process: {
    make: (s, signal) => new ProcessRequest(s.channel('p'), { timeout: 0, signal }),
    repeats: false,
  },
  rpc: {
    make: (s, signal) => new RpcRequest(s.channel('p'), null, { timeout: 0, signal }),
    repeats: false,
  },
};
const CASES = Object.entries(OPERATIONS).map(([name, o]) => ({ name, ...o }));

/** How it ended: `done`, or the code of the error. */
function outcome(pending: Promise<unknown>): { value: string | undefined } {
  const result: { value: string | undefined } = { value: undefined };
  pending.then(
    () => {
      result.value = 'done';
    },
    (error: { code?: string }) => {
      result.value = error.code ?? String(error);
    },
  );
  return result;
}

/** Nothing of any operation is left on either side of any connection. */
async function expectClean(s: JoinedSession, pv: SharedPV): Promise<void> {
  await settled();
  await later();
  await settled();
  for (const { served } of s.connections) expect(served.operationCount).toBe(0);
  if (s.connections.length > 0 && !s.now.client.isClosed) expect(s.currentLink.operationCount).toBe(0);
  expect(pv.subscriberCount).toBe(0);
  expect(s.lost.filter((why) => why !== undefined)).toEqual([]);
}

/** How an operation ends, that is, all ways but `done`, when at each moment from the first on something happens to it. */
async function endsOf(
  make: Make,
  happens: (s: JoinedSession, pv: SharedPV) => Promise<void>,
): Promise<unknown[]> {
  const outcomes = new Set<string | undefined>();
  for (let moment = 1; moment <= LAST_MOMENT; moment++) {
    const pv = served();
    const s = new JoinedSession({ p: pv });
    const result = outcome(make(s, new AbortController().signal).begin().promise);
    for (let i = 0; i < moment; i++) await turn();
    await happens(s, pv);
    await settled();
    await later();
    await settled();
    outcomes.add(result.value);
    await expectClean(s, pv);
  }
  outcomes.delete('done');
  return [...outcomes];
}

describe.each(CASES)('$name', ({ make, repeats }) => {
  it('aborted at any moment ends at once, or was done', async () => {
    const outcomes = new Set<string | undefined>();
    for (let moment = 0; moment <= LAST_MOMENT; moment++) {
      const pv = served();
      const s = new JoinedSession({ p: pv });
      const abort = new AbortController();
      const result = outcome(make(s, abort.signal).begin().promise);
      for (let i = 0; i < moment; i++) await turn();
      const before = result.value;
      abort.abort();
      await Promise.resolve();
      await Promise.resolve();
      expect(result.value).toBe(before ?? 'PVA_CANCELLED');
      outcomes.add(result.value);
      await expectClean(s, pv);
      // The channel serves the next one.
      expect(await make(s, new AbortController().signal).begin().promise).not.toBe(false);
      await expectClean(s, pv);
    }
    expect([...outcomes].sort()).toEqual(['PVA_CANCELLED', 'done']);
  });

  it('whose channel the server removes at any moment', async () => {
    const ends = await endsOf(make, async (_s, pv) => {
      pv.close();
      pv.open(Value.create(INT, { value: 2 }));
    });
    expect(ends).toEqual(repeats ? [] : ['PVA_DISCONNECTED']);
  });

  it('whose server goes away at any moment', async () => {
    const ends = await endsOf(make, async (s) => {
      s.serverDown();
      await settled();
      s.serverUp();
    });
    expect(ends).toEqual(repeats ? [] : ['PVA_DISCONNECTED']);
  });
});

describe('a monitor', () => {
  it.each(['', 'record[pipeline=true,queueSize=2]'])('%s ends at any moment', async (pvRequest) => {
    for (const how of ['close', 'finish', 'removed', 'server down'] as const)
      for (let moment = 0; moment <= LAST_MOMENT; moment++) {
        const pv = served();
        const s = new JoinedSession({ p: pv });
        let finished = 0;
        const subscription = s.monitor('p', { update: () => {}, finished: () => finished++ }, { pvRequest });
        for (let i = 0; i < moment; i++) {
          await turn();
          pv.post(Value.create(INT, { value: i }));
        }
        const running = pv.subscriberCount === 1;
        if (how === 'finish') pv.finish();
        else if (how === 'removed') {
          pv.close();
          pv.open(Value.create(INT, { value: 9 }));
        } else if (how === 'server down' && s.connections.length > 0) {
          s.serverDown();
          await settled();
          s.serverUp();
        }
        if (how !== 'close') {
          await settled();
          const over = how === 'finish' && running;
          expect([finished, pv.subscriberCount]).toEqual(over ? [1, 0] : [0, 1]);
        }
        subscription.close();
        await expectClean(s, pv);
        expect(subscription.stats).toMatchObject({ connected: false });
      }
  });
});
