/**
 * PUT of one client's channel, from INIT to its end, with reading back what there is.
 */
import { isPromise } from '../connection/surface.ts';
import { RemoteError } from '../errors.ts';
import { Command } from '../frame/command.ts';
import { SUB } from '../message/operation.ts';
import { encodePutResponse } from '../message/put.ts';
import type { UnionValue } from '../value/containers.ts';
import type { FieldNode, TypeDef } from '../value/type-def.ts';
import type { Value } from '../value/value.ts';
import type { Status } from '../wire/status.ts';
import { ServerOperation } from './channel-operations.ts';

export class PutOperation extends ServerOperation {
  readonly command = Command.PUT;

  protected replyInit(status: Status, type: TypeDef | undefined): void {
    const { connection, ioid } = this.context;
    connection.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand: SUB.INIT, status, type }));
  }

  execute(subcommand: number, value: Value | undefined): void {
    const { connection, ioid } = this.context;
    const { selection } = this;
    if (subcommand & SUB.GET)
      this.run(
        subcommand,
        () => this.filtered(this.present()),
        (status, present) =>
          connection.send(Command.PUT, (w) =>
            encodePutResponse(w, { ioid, subcommand, status, value: withoutNullUnions(present), selection }),
          ),
      );
    else
      this.run<void>(
        subcommand,
        () => {
          if (!this.context.rights.put)
            throw new RemoteError(this.context.pv.refused?.('write') ?? 'put not permitted: no right to put');
          if (!value) return undefined;
          const whole = this.whole(value);
          return isPromise(whole)
            ? whole.then((v) => this.putAndProcess(v, false))
            : this.putAndProcess(whole, false);
        },
        (status) => connection.send(Command.PUT, (w) => encodePutResponse(w, { ioid, subcommand, status })),
      );
  }
}

/**
 * PVXS clients drop the connection when what they read before a put holds a union with nothing selected; a field that
 * does not come means the same to them.
 */
function withoutNullUnions(present: Value | undefined): Value | undefined {
  if (!present) return undefined;
  const isNullUnion = ({ type, path }: FieldNode): boolean =>
    type.kind === 'union' && !type.isArray && (present.get(path) as UnionValue).member === null;
  const nodes = present.type.nodes.filter(isNullUnion);
  if (nodes.length === 0) return present;
  const sent = present.clone();
  for (const { path } of nodes) sent.unmark(path);
  return sent;
}
