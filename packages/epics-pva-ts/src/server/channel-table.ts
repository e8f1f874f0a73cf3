/**
 * ChannelTable: the channels of one client: created, refused, destroyed, and what they say of themselves (GET_FIELD,
 * ACL_CHANGE).
 */
import type { Connection } from '../connection/connection.ts';
import { Command } from '../frame/command.ts';
import {
  MAX_FIELD_PATH_BYTES,
  MAX_NAME_BYTES,
  MAX_WAITING_GET_FIELDS,
  MAX_WAITING_NAME_BYTES,
} from '../limits.ts';
import { type AccessRights, encodeAclChange, FULL_ACCESS } from '../message/acl-change.ts';
import { encodeCreateChannelResponse, encodeDestroyChannel } from '../message/channel.ts';
import { encodeGetFieldResponse, type GetFieldRequest } from '../message/get-field.ts';
import { IdTable } from '../transient.ts';
import { errorStatus, OK, StatusType } from '../wire/status.ts';
import { type ServerOperation, statusOf } from './channel-operations.ts';
import { ChannelTraffic } from './channel-traffic.ts';
import type { ClientCounters } from './client-counters.ts';
import type { ServerLimits } from './limits.ts';
import type { ServedPV } from './source.ts';

const REFUSED_SID = 0xffffffff;
/** What access security leaves to a client that may not write. */
const NOTHING: AccessRights = { put: false, putGet: false, rpc: false };

/** One channel of one client. */
export class ServerChannel {
  readonly cid: number;
  readonly sid: number;
  readonly name: string;
  readonly pv: ServedPV;
  /** What its operations reply through. */
  readonly traffic: ChannelTraffic;
  /** Its operations, by ioid. */
  readonly operations = new IdTable<ServerOperation>();
  /** How to give up each GET_FIELD that waits for the PV to open, with the bytes of the name it asks for. */
  readonly waiting = new Map<() => void, number>();
  private readonly connection: Connection;
  private rightsNow: AccessRights = FULL_ACCESS;
  /** Does the PV let this client write? */
  private mayWrite = true;
  /** What the client was told last. */
  private told: AccessRights = FULL_ACCESS;

  constructor(connection: Connection, cid: number, sid: number, name: string, pv: ServedPV) {
    this.connection = connection;
    this.cid = cid;
    this.sid = sid;
    this.name = name;
    this.pv = pv;
    this.traffic = new ChannelTraffic(connection);
  }

  /** What the client may do; everything until `setRights`. */
  get rights(): AccessRights {
    return this.rightsNow;
  }

  /** From now on the client may do this and no more, and is told so if it is something new. */
  setRights(rights: AccessRights): void {
    this.rightsNow = rights;
    this.tellRights();
  }

  /** For PVs that see to it themselves: the client is told. */
  setWritable(mayWrite: boolean): void {
    this.mayWrite = mayWrite;
    this.tellRights();
  }

  /** Tells the client what it may do (ACL_CHANGE) if it is something new. */
  private tellRights(): void {
    const { told } = this;
    const rights = this.mayWrite ? this.rightsNow : NOTHING;
    if (rights.put === told.put && rights.putGet === told.putGet && rights.rpc === told.rpc) return;
    this.told = rights;
    this.connection.send(Command.ACL_CHANGE, (w) => encodeAclChange(w, { cid: this.cid, rights }));
  }
}

export interface ChannelTableOptions {
  readonly connection: Connection;
  readonly limits: ServerLimits;
  readonly counters: ClientCounters;
  /** The PV behind a name. @throws what the client is to be told */
  open(name: string): ServedPV | undefined;
  /** Rights a new channel begins with; undefined: all. */
  rights(name: string): AccessRights | undefined;
  /** An operation of a channel that goes away. */
  destroyOperation(ioid: number): void;
}

export class ChannelTable {
  private readonly options: ChannelTableOptions;
  private readonly bySid = new Map<number, { channel: ServerChannel; detach: () => void }>();
  private nextSid = 0;
  /** GET_FIELDs that wait. */
  private waiting = 0;
  /** Bytes of the names they ask for. */
  private waitingBytes = 0;

  constructor(options: ChannelTableOptions) {
    this.options = options;
  }

  get(sid: number): ServerChannel | undefined {
    return this.bySid.get(sid)?.channel;
  }

  *[Symbol.iterator](): Generator<ServerChannel> {
    for (const { channel } of this.bySid.values()) yield channel;
  }

  create(cid: number, name: string): void {
    const { connection, limits, counters } = this.options;
    const reply = (sid: number, status: ReturnType<typeof errorStatus>): void =>
      connection.send(Command.CREATE_CHANNEL, (w) => encodeCreateChannelResponse(w, { cid, sid, status }));
    const refuse = (message: string): void => reply(REFUSED_SID, errorStatus(message, StatusType.FATAL));
    if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES) {
      refuse(`a channel name has 1 to ${MAX_NAME_BYTES} bytes`);
      return;
    }
    if (this.bySid.size >= limits.channels) {
      counters.refused.channels++;
      refuse(`too many channels (${limits.channels}) on this connection`);
      return;
    }
    let pv: ServedPV | undefined;
    let rights: AccessRights | undefined;
    try {
      pv = this.options.open(name);
      rights = pv && this.options.rights(name);
    } catch (error) {
      refuse(statusOf(error).message);
      return;
    }
    if (!pv) {
      refuse(`this server has no channel '${name}'`);
      return;
    }
    const channel = new ServerChannel(connection, cid, this.newSid(), name, pv);
    const { sid } = channel;
    // A PV may be closed or removed by who is told of its first client, before there is a channel to destroy.
    let closed = false;
    const detach = pv.attach(() => {
      closed = true;
      this.destroy(sid);
    });
    if (closed || connection.closed) {
      detach();
      refuse(`'${name}' was closed when this channel was created`);
      return;
    }
    this.bySid.set(sid, { channel, detach });
    // As core-pva does it: in front of the reply.
    pv.onAccessChanged?.(({ write }) => channel.setWritable(write));
    if (rights) channel.setRights(rights);
    reply(sid, OK);
  }

  private newSid(): number {
    do {
      this.nextSid = (this.nextSid + 1) >>> 0;
    } while (this.nextSid === REFUSED_SID || this.bySid.has(this.nextSid));
    return this.nextSid;
  }

  /** The client wants it no more, or the PV went away: the client is told, and in the latter case searches again. */
  destroy(sid: number): void {
    const cid = this.get(sid)?.cid;
    if (cid === undefined) return;
    this.forget(sid);
    this.options.connection.send(Command.DESTROY_CHANNEL, (w) => encodeDestroyChannel(w, { sid, cid }));
  }

  private forget(sid: number): void {
    const entry = this.bySid.get(sid);
    if (!entry) return;
    const { channel, detach } = entry;
    this.bySid.delete(sid);
    for (const ioid of channel.operations.ids()) this.options.destroyOperation(ioid);
    for (const [giveUp, bytes] of channel.waiting) {
      giveUp();
      this.waitingBytes -= bytes;
    }
    this.waiting -= channel.waiting.size;
    detach();
  }

  /** The connection is gone. */
  clear(): void {
    for (const sid of [...this.bySid.keys()]) this.forget(sid);
  }

  /** Answers GET_FIELD as soon as the PV has a type. */
  describe(m: GetFieldRequest): void {
    const { ioid } = m;
    const { connection, limits, counters } = this.options;
    const channel = this.get(m.sid);
    const refuse = (text: string): void =>
      connection.send(Command.GET_FIELD, (w) =>
        encodeGetFieldResponse(w, { ioid, status: errorStatus(text) }),
      );
    if (!channel) {
      refuse('bad channel id');
      return;
    }
    const bytes = Buffer.byteLength(m.subfield);
    if (bytes > MAX_FIELD_PATH_BYTES) {
      counters.refused.operations++;
      refuse(`the name of a field has at most ${MAX_FIELD_PATH_BYTES} bytes, this one has ${bytes}`);
      return;
    }
    const most = Math.min(limits.operations, MAX_WAITING_GET_FIELDS);
    if (this.waiting >= most) {
      counters.refused.operations++;
      refuse(`too many GET_FIELDs (${most}) wait on this connection`);
      return;
    }
    if (this.waitingBytes + bytes > MAX_WAITING_NAME_BYTES) {
      counters.refused.operations++;
      refuse(`the GET_FIELDs that wait on this connection name more than ${MAX_WAITING_NAME_BYTES} bytes`);
      return;
    }
    let answered = false;
    let giveUp = (): void => {};
    giveUp = channel.pv.whenOpen((top) => {
      answered = true;
      if (channel.waiting.delete(giveUp)) {
        this.waiting--;
        this.waitingBytes -= bytes;
      }
      const type = m.subfield === '' ? top : top.find(m.subfield)?.type;
      const status = type ? OK : errorStatus(`no field '${m.subfield}'`);
      connection.send(Command.GET_FIELD, (w) => encodeGetFieldResponse(w, { ioid, status, type }));
    });
    if (answered) return;
    channel.waiting.set(giveUp, bytes);
    this.waiting++;
    this.waitingBytes += bytes;
  }
}
