/** What the live view of `mirror-server` shows. */
import type { MirrorServer } from '../mirror/mirror-server.ts';
import type { LiveView } from '../view/live-view.ts';
import { Rates } from '../view/rates.ts';
import { activity, clock, VIEW_PERIOD_MS } from './stage-view.ts';

/** Shows the counters of all mirrors twice a second. @returns closes the view */
export function watchMirror(view: LiveView, server: MirrorServer): () => void {
  const rates = new Rates();
  const began = performance.now();
  const show = (): void => {
    const now = performance.now();
    const rows = [...server.stats()].map(([name, { nReceived, nOverruns, nPublished, nDisconnects }]) => {
      const rate = rates.of(name, nReceived, now);
      const counts = [nReceived, rate.toFixed(1), nPublished, nOverruns, nDisconnects].map(String);
      return [name, activity('running', nReceived, rate), ...counts];
    });
    const columns = ['mirror', 'state', 'received', 'per s', 'published', 'overruns', 'disconnects'];
    view.show({
      title: `mirror-server   ${clock((now - began) / 1000)}`,
      sections: [{ columns, rows }],
    });
  };
  show();
  const timer = setInterval(show, VIEW_PERIOD_MS);
  return () => {
    clearInterval(timer);
    view.close();
  };
}
