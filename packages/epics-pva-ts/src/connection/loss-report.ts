/**
 * What the log says of a connection that was lost: what the peer did is a warning of one line; a fault of this side is
 * an error, with the stack of where it happened, because somebody has to repair it.
 */

/** Level and text for the `log` of server and client. `what` says which connection it was. */
export function lossReport(what: string, reason: Error): ['warn' | 'error', string] {
  const { cause } = reason;
  const isFault = (reason as { code?: unknown }).code === 'PVA_INTERNAL';
  if (!isFault) return ['warn', `${what}: ${reason.message}`];
  const stack = cause instanceof Error ? cause.stack : undefined;
  return ['error', `${what}: ${reason.message}${stack ? `\n${stack}` : ''}`];
}
