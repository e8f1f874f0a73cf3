/** process: one INIT and one execution of PROCESS. pva-protocol.md 3.12. */
import { Command } from '../frame/command.ts';
import { SUB } from '../message/operation.ts';
import { encodeProcessRequest } from '../message/process.ts';
import type { Value } from '../value/value.ts';
import type { Channel } from './channel.ts';
import { type Attachment, OneShot, type Reply } from './operation.ts';
import { type GetOptions, requestValue } from './requests.ts';

export class ProcessRequest extends OneShot<void> {
  private readonly pvRequest: Value;
  private sent = false;

  constructor(channel: Channel, options: GetOptions) {
    super(channel, options);
    this.pvRequest = requestValue(options.pvRequest);
  }

  protected get repeatable(): boolean {
    return !this.sent;
  }

  protected override get silence(): string {
    return ' (PVXS servers never answer PROCESS; put with record[process=true] instead)';
  }

  protected init({ connection, sid }: Attachment): void {
    const { ioid, pvRequest } = this;
    connection.send(Command.PROCESS, (w) =>
      encodeProcessRequest(w, { sid, ioid, subcommand: SUB.INIT, pvRequest }),
    );
  }

  protected handle(reply: Reply): void {
    if (!(reply.subcommand & SUB.INIT)) {
      if (this.sent) this.succeed(undefined);
      return;
    }
    if (this.sent) return;
    const { connection, sid } = this.at as Attachment;
    const { ioid } = this;
    this.sent = true;
    connection.send(Command.PROCESS, (w) => encodeProcessRequest(w, { sid, ioid, subcommand: SUB.EXEC }));
  }
}
