/**
 * A timer for waits that must end: it counts only time in which this process ran.
 *
 * A computer that stands still for a while (a virtual machine that is moved or saved, a process that was stopped) fires
 * all timers when it goes on, before anything is read that came meanwhile; what was waited for is there, and nobody has
 * looked. A step longer than it was to be counts as one that was on time.
 */

/** In ms. */
const STEP = 250;

/**
 * @param act Called once, when this process has run so long.
 * @param ms At least this long.
 * @returns A function that ends it.
 */
export function awakeTimeout(act: () => void, ms: number): () => void {
  let left = ms;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const step = Math.min(STEP, left);
    timer = setTimeout(() => {
      left -= step;
      if (left > 0) next();
      else act();
    }, step);
  };
  next();
  return () => clearTimeout(timer);
}
