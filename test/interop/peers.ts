/**
 * The real peers' virtual environment. Shared with the benchmark; lives in bench/peers/python-env.ts.
 *
 * `describe.skipIf(!peers.available)` is in every test file here: without Python 3.11 or PyPI there is nobody to test
 * with, which `ensurePeers` says in many lines, and which is a failure with `CI=true`.
 */
export {
  ensureEnvelopePython,
  ensureHdf5Python,
  ensurePeers,
  type Peers,
  repositoryRoot,
} from '../../bench/peers/python-env.ts';
