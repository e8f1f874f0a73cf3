/** PvaPy's simulator and consumer as peers. Shared with the benchmark; they live in bench/peers/. */
export {
  type ConsumerOptions,
  type ConsumerReport,
  type PvapyConsumer,
  startPvapyConsumer,
} from '../../bench/peers/pvapy-consumer.ts';
export {
  type PvapySimulator,
  type SimulatorOptions,
  type SimulatorResult,
  startPvapySimulator,
} from '../../bench/peers/pvapy-simulator.ts';
