/**
 * The numbers of pvAccess messages. Two number spaces: application messages carry a payload, control messages
 * only the 32 bits of their header. Unknown numbers of either kind are ignored by receivers, never answered
 * (pva-protocol.md 3).
 */

/** Application messages. */
export const Command = {
  /** UDP, server: I am here. */
  BEACON: 0x00,
  /** TCP, both: buffer sizes and authentication. */
  CONNECTION_VALIDATION: 0x01,
  /** TCP, both: returned as it came. */
  ECHO: 0x02,
  /** UDP and TCP, client: who has these names? */
  SEARCH: 0x03,
  /** UDP and TCP, server: I have. */
  SEARCH_RESPONSE: 0x04,
  /** TCP, both: further data of an authentication method. */
  AUTHNZ: 0x05,
  /** TCP, server: access rights changed. */
  ACL_CHANGE: 0x06,
  /** TCP, both. */
  CREATE_CHANNEL: 0x07,
  /** TCP, both. */
  DESTROY_CHANNEL: 0x08,
  /** TCP, server: the client may begin. */
  CONNECTION_VALIDATED: 0x09,
  /** TCP, both. */
  GET: 0x0a,
  /** TCP, both. */
  PUT: 0x0b,
  /** TCP, both. */
  PUT_GET: 0x0c,
  /** TCP, both. */
  MONITOR: 0x0d,
  /** TCP, both. */
  ARRAY: 0x0e,
  /** TCP, client: forget this operation. */
  DESTROY_REQUEST: 0x0f,
  /** TCP, both. */
  PROCESS: 0x10,
  /** TCP, both. */
  GET_FIELD: 0x11,
  /** TCP, server: text for the user of one operation. */
  MESSAGE: 0x12,
  /** Deprecated; nobody sends it. */
  MULTIPLE_DATA: 0x13,
  /** TCP, both. */
  RPC: 0x14,
  /** TCP, client: stop the execution, keep the operation. */
  CANCEL_REQUEST: 0x15,
  /** UDP, forwarder: the message behind it was received on this address. */
  ORIGIN_TAG: 0x16,
} as const;
export type Command = (typeof Command)[keyof typeof Command];

/** Control messages. */
export const ControlCommand = {
  /** Never sent by current peers. */
  MARK_BYTES: 0x00,
  /** Never sent by current peers. */
  ACK_BYTES: 0x01,
  /** TCP, server, its first bytes: flag 0x80 of this header is the byte order of the connection. */
  SET_BYTE_ORDER: 0x02,
  /** In the specification only. */
  ECHO_REQUEST: 0x03,
  /** In the specification only. */
  ECHO_RESPONSE: 0x04,
} as const;
export type ControlCommand = (typeof ControlCommand)[keyof typeof ControlCommand];

const applicationNames = new Map<number, string>(Object.entries(Command).map(([name, code]) => [code, name]));

/** The message's name for logs and errors, `command 0x7f` if unknown. */
export function commandName(code: number): string {
  return applicationNames.get(code) ?? `command 0x${code.toString(16).padStart(2, '0')}`;
}
