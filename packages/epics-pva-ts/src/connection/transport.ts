/** What a connection needs of the network. socket/ implements it with TCP, tests join two connections in memory. */
export interface Transport {
  /** Takes chunks in order, by reference; `sent` is called when their memory is free again (also after a close). */
  write(chunks: readonly Uint8Array[], sent?: () => void): void;
  /** Bytes taken but not yet accepted by the operating system. */
  readonly pendingBytes: number;
  pauseReading(): void;
  resumeReading(): void;
  /** Closes without waiting for unsent bytes. The connection's `onClosed` follows. */
  close(): void;
  /** `address:port` of the peer, for messages to people. */
  readonly peer: string;
}
