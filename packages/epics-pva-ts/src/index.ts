/**
 * Every public name of epics-pva-ts, and nothing else.
 *
 * @module epics-pva-ts
 */

export type { ContextOptions } from './client/context.ts';
export { Context } from './client/context.ts';
export type { Log, LogLevel } from './client/log.ts';
export type { RequestOptions } from './client/operation.ts';
export type { ChannelInfo, GetOptions, PutBuilder, PutOptions } from './client/requests.ts';
export type { MonitorHandlers, MonitorOptions, SubscriptionStats } from './client/subscription.ts';
export { Subscription } from './client/subscription.ts';
export type { ClientConfig, ServerConfig } from './config.ts';
export { clientConfigFromEnv, parseAddress, serverConfigFromEnv } from './config.ts';
export type { Credentials } from './connection/server-connection.ts';
export {
  CancelledError,
  ConfigError,
  DecodeError,
  DisconnectedError,
  LocalProtocolError,
  NoConvertError,
  NoFieldError,
  PvaError,
  PvRequestError,
  RemoteError,
  RemoteProtocolError,
  TimeoutError,
} from './errors.ts';
export type { Alarm } from './nt/alarm.ts';
export {
  AlarmSeverity,
  AlarmStatus,
  alarmSeverityName,
  alarmStatusName,
  NO_ALARM,
  readAlarm,
} from './nt/alarm.ts';
export {
  alarmType,
  controlType,
  DISPLAY_FORMS,
  displayType,
  enumType,
  timeType,
  valueAlarmType,
} from './nt/fields.ts';
export { NTEnum } from './nt/nt-enum.ts';
export type { Codec, DimensionInput, NDArrayOptions } from './nt/nt-nd-array.ts';
export { NTNDArray } from './nt/nt-nd-array.ts';
export type { AttributeOptions } from './nt/nt-nd-array-attributes.ts';
export type { Dimension } from './nt/nt-nd-array-image.ts';
export { ColorMode } from './nt/nt-nd-array-image.ts';
export type { PixelArray } from './nt/nt-nd-array-pixels.ts';
export type { ScalarOptions } from './nt/nt-scalar.ts';
export { NTScalar, NTScalarArray } from './nt/nt-scalar.ts';
export type { TableColumn, TableColumnData, TableRow } from './nt/nt-table.ts';
export { NTTable } from './nt/nt-table.ts';
export type { UriParts } from './nt/nt-uri.ts';
export { NTURI } from './nt/nt-uri.ts';
export type { TimeStamp } from './nt/time-stamp.ts';
export {
  fromDate,
  fromSeconds,
  nanosecondsBetween,
  nowTimeStamp,
  readTimeStamp,
  toDate,
  toSeconds,
  writeTimeStamp,
} from './nt/time-stamp.ts';
export type { ServerOptions } from './server/server.ts';
export { Server, VERSION } from './server/server.ts';
export type { PutHandler, RpcHandler, SharedPVHandlers } from './server/shared-pv.ts';
export { SharedPV } from './server/shared-pv.ts';
export type { MonitorSink, ServedPV, Source } from './server/source.ts';
export { StaticSource } from './server/source.ts';
export { AnyValue, UnionValue } from './value/containers.ts';
export type { FormatMode, FormatOptions } from './value/format.ts';
export { formatValue } from './value/format.ts';
export { parsePvRequest } from './value/pv-request.ts';
export type { ArrayForm, Kind, NumericArray, NumericKind, ScalarKind } from './value/type-code.ts';
export type { FieldNode, Member, MemberSpecs, TypeSpec } from './value/type-def.ts';
export { arrayOf, bounded, struct, TypeDef, typeOf, union } from './value/type-def.ts';
export type { PvData } from './value/value.ts';
export { Value } from './value/value.ts';
export { BitSet } from './wire/bit-set.ts';
