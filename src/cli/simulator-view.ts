/** What the live view of `ad-sim-server` shows. */
import type { AdSimServer } from '../../sim/ad-sim-server.ts';
import { frameRateOf } from '../../sim/report.ts';
import type { LiveView } from '../view/live-view.ts';
import { Rates } from '../view/rates.ts';
import { clock, VIEW_PERIOD_MS } from './stage-view.ts';

/** Shows the simulator twice a second until it is closed; `over`: everything is published, and only served still. */
export function watchSimulator(
  view: LiveView,
  channelName: string,
  server: AdSimServer,
): { over(): void; close(): void } {
  const rates = new Rates();
  const began = performance.now();
  let over = false;
  const show = (): void => {
    const { progress, subscriberCount } = server;
    const { nPublished } = progress;
    const now = performance.now();
    const state = over ? 'done' : nPublished > 0 ? 'publishing' : 'starting';
    const rate = rates.of('published', nPublished, now).toFixed(1);
    const row = [state, nPublished, rate, frameRateOf(progress).toFixed(1), subscriberCount].map(String);
    view.show({
      title: `ad-sim-server   ${channelName}   ${clock((now - began) / 1000)}`,
      sections: [{ columns: ['state', 'published', 'frames/s', 'mean frames/s', 'clients'], rows: [row] }],
    });
  };
  show();
  const timer = setInterval(show, VIEW_PERIOD_MS);
  return {
    over: () => {
      over = true;
      show();
    },
    close: () => {
      clearInterval(timer);
      view.close();
    },
  };
}
