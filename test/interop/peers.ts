/** The real peers' virtual environment. Shared with the benchmark; lives in bench/peers/python-env.ts. */
export { ensurePeers, type Peers, repositoryRoot } from '../../bench/peers/python-env.ts';
