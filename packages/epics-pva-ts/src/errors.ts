/**
 * Every error this library throws, by cause. A leaf file: anything may import it, it imports nothing.
 *
 * Two families must never be mixed up: what the caller did wrong (`LocalProtocolError`, `NoFieldError`,
 * `NoConvertError`, `ConfigError`) and what the peer did (`DecodeError`, `RemoteProtocolError`, `RemoteError`).
 * `code` is stable across releases; messages are for people.
 */

const brand = Symbol.for('epics-pva-ts.error');

/** Base of all errors of this library; `code` is a stable string such as `PVA_TIMEOUT`. */
export class PvaError extends Error {
  /** Stable name of the cause, such as `PVA_TIMEOUT`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Recognises errors of another copy of this library in the same process too. */
  static isPvaError(error: unknown): error is PvaError {
    return typeof error === 'object' && error !== null && brand in error;
  }
}

/** The peer's bytes do not form what they claim to be. The connection they came from is closed. */
export class DecodeError extends PvaError {
  constructor(message: string) {
    super('PVA_DECODE', message);
  }
}

/** The peer's message is well-formed but not allowed in the present state. */
export class RemoteProtocolError extends PvaError {
  constructor(message: string) {
    super('PVA_REMOTE_PROTOCOL', message);
  }
}

/** This side asked for something the protocol or the present state does not allow. */
export class LocalProtocolError extends PvaError {
  constructor(message: string) {
    super('PVA_LOCAL_PROTOCOL', message);
  }
}

/** The peer answered a request with an error Status. */
export class RemoteError extends PvaError {
  constructor(message: string) {
    super('PVA_REMOTE', message);
  }
}

/** The connection or channel went away before the operation was complete. */
export class DisconnectedError extends PvaError {
  constructor(message: string) {
    super('PVA_DISCONNECTED', message);
  }
}

/** No answer within the time allowed. */
export class TimeoutError extends PvaError {
  constructor(message: string) {
    super('PVA_TIMEOUT', message);
  }
}

/** The operation was cancelled by its caller (`AbortSignal` or `close()`). */
export class CancelledError extends PvaError {
  constructor(message = 'Cancelled') {
    super('PVA_CANCELLED', message);
  }
}

/** The structure has no field of this name. */
export class NoFieldError extends PvaError {
  constructor(message: string) {
    super('PVA_NO_FIELD', message);
  }
}

/** The value given cannot become the field's type. */
export class NoConvertError extends PvaError {
  constructor(message: string) {
    super('PVA_NO_CONVERT', message);
  }
}

/** A compressed image cannot be decompressed: its bytes are wrong, or what decodes them is missing. */
export class CodecError extends PvaError {
  constructor(message: string) {
    super('PVA_CODEC', message);
  }
}

/** A pvRequest text or structure that cannot be understood. */
export class PvRequestError extends PvaError {
  constructor(message: string) {
    super('PVA_PV_REQUEST', message);
  }
}

/** An `EPICS_PVA_*`/`EPICS_PVAS_*` variable or configuration entry that cannot be understood. */
export class ConfigError extends PvaError {
  constructor(message: string) {
    super('PVA_CONFIG', message);
  }
}
