/** Isolation of a group of processes on loopback. Shared with the benchmark; lives in bench/peers/ports.ts. */
export { freePorts, type PeerPorts, peerEnv } from '../../bench/peers/ports.ts';
