/**
 * RequestInfo: what a PV's handlers learn of the request beside its data: the `record[...]` options, and when nobody
 * waits for the answer any more.
 */
import type { PvRequest } from '../value/pv-request.ts';

/** `record[process=...]`: forced, inhibited, or as the PV does by itself ("passive", the default). */
export type ProcessOption = boolean | 'passive';

/** What a client asked for beside the value. */
export interface RequestInfo {
  /** What `record[process=...]` says: whether the record is to be processed. */
  readonly process: ProcessOption;
  /** `record[block=true]`: the reply waits for the end of processing. Never with `process=false` (QSRV). */
  readonly block: boolean;
  /** Any `record[...]` option as text. */
  option(name: string): string | undefined;
  /** Aborted when the client cancels or destroys the request, or is gone. A reply is still expected of a cancelled one. */
  readonly signal: AbortSignal;
}

/** Options come as text, booleans or integers, and all of them are here as text. */
function booleanOption(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case 'true':
    case '1':
      return true;
    case 'false':
    case '0':
      return false;
    default:
      return undefined;
  }
}

const NO_WARNINGS: readonly string[] = [];

/** The options of one operation, and the signal of its present execution. */
export class OperationInfo implements RequestInfo {
  readonly process: ProcessOption;
  readonly block: boolean;
  /** Options that say nothing this server understands: as warnings for the client. */
  readonly warnings: readonly string[];
  private readonly request: PvRequest;
  /** Made when somebody asks for the signal: most handlers never do. */
  private controller: AbortController | undefined;
  private aborted = false;

  constructor(request: PvRequest) {
    this.request = request;
    this.process = 'passive';
    this.block = false;
    this.warnings = NO_WARNINGS;
    // Nearly all requests: every get makes one of these.
    if (!request.hasOptions) return;
    const warnings: string[] = [];
    const process = request.option('process');
    const forced = booleanOption(process);
    if (forced === undefined && process !== undefined && process.trim().toLowerCase() !== 'passive')
      warnings.push(`process=${process} is not true, false or passive, passive is used`);
    this.process = forced ?? 'passive';
    const block = request.option('block');
    const wait = booleanOption(block);
    if (wait === undefined && block !== undefined)
      warnings.push(`block=${block} is not true or false, false is used`);
    this.block = (wait ?? false) && this.process !== false;
    this.warnings = warnings;
  }

  option(name: string): string | undefined {
    return this.request.option(name);
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.aborted) this.controller.abort();
    return this.controller.signal;
  }

  /** An execution begins. */
  begin(): void {
    this.controller = undefined;
    this.aborted = false;
  }

  abort(): void {
    this.aborted = true;
    this.controller?.abort();
  }
}
