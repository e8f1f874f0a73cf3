/** Processes of the interop tests. The code is shared with the benchmark and lives in bench/peers/child.ts. */
export {
  type Child,
  type ChildExit,
  type ChildLine,
  type ChildOptions,
  describeExit,
  type StopOptions,
  spawnChild,
} from '../../bench/peers/child.ts';
