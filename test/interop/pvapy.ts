/** PvaPy's simulator and consumer as peers. Shared with the benchmark; lives in bench/peers/pvapy.ts. */
export {
  type ConsumerOptions,
  type ConsumerReport,
  type PvapyConsumer,
  type PvapySimulator,
  type SimulatorOptions,
  type SimulatorResult,
  startPvapyConsumer,
  startPvapySimulator,
} from '../../bench/peers/pvapy.ts';
