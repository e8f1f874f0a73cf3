/** When a process that died is started again: by whoever watches over consumers or over the stages of a pipeline. */

/** Before the first restart; each further one takes twice as long. */
export const FIRST_RESTART_MS = 500;
/** No restart takes longer. */
export const LONGEST_RESTART_MS = 10_000;
/** One that ran this long has started well: restarts begin anew. */
export const HEALTHY_MS = 10_000;
