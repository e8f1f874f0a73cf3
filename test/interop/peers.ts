/** The real peers' virtual environment. Shared with the benchmark; lives in bench/peers/python-env.ts. */
export {
  ensureEnvelopePython,
  ensureHdf5Python,
  ensurePeers,
  type Peers,
  repositoryRoot,
} from '../../bench/peers/python-env.ts';
