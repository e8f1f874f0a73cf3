/**
 * Every public name of epics-pva-ts, and nothing else.
 *
 * @module epics-pva-ts
 */

export type { ContextOptions } from './client/context.ts';
export { Context } from './client/context.ts';
export type { DiscoveredServer, DiscoverOptions, Discovery } from './client/discovery.ts';
export type {
  ChannelPutOptions,
  ChannelRPCOptions,
  RequestLimits,
  RequestQueueOptions,
} from './client/kept-channels.ts';
export { ChannelPut, ChannelRPC } from './client/kept-channels.ts';
export type { Log, LogLevel } from './client/log.ts';
export type { MonitorHandlers, MonitorOptions, SubscriptionStats } from './client/monitor-options.ts';
export { MultiChannel } from './client/multi-channel.ts';
export type { MultiMonitorOptions, MultiMonitorStats } from './client/multi-monitor.ts';
export { MultiMonitor } from './client/multi-monitor.ts';
export type { RequestOptions } from './client/operation.ts';
export type { ChannelInfo, GetOptions, PutBuilder, PutOptions } from './client/requests.ts';
export type { SearchStats } from './client/search-engine.ts';
export { Subscription } from './client/subscription.ts';
export type { MonitorUpdate, WhenFull } from './client/update-queue.ts';
export type { ClientConfig, ServerConfig } from './config.ts';
export { clientConfigFromEnv, parseAddress, serverConfigFromEnv } from './config.ts';
export type { Credentials } from './connection/server-connection.ts';
export {
  CancelledError,
  CodecError,
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
export type { AccessRights } from './message/acl-change.ts';
export { FULL_ACCESS } from './message/acl-change.ts';
export type { Alarm } from './nt/alarm.ts';
export {
  AlarmSeverity,
  AlarmStatus,
  alarmSeverityName,
  alarmStatusName,
  NO_ALARM,
  readAlarm,
} from './nt/alarm.ts';
export type { CompressedImage, ImageCodec } from './nt/codec-registry.ts';
export { codecNames, loadCodec, registerCodec } from './nt/codec-registry.ts';
export type { CommonFields } from './nt/common-fields.ts';
export { NormativeView } from './nt/common-fields.ts';
export {
  alarmType,
  controlType,
  DISPLAY_FORMS,
  displayType,
  enumType,
  standardDisplayType,
  timeType,
  valueAlarmType,
} from './nt/fields.ts';
export type { Control, Display, ValueAlarm } from './nt/meta-data.ts';
export { readControl, readDisplay, readValueAlarm } from './nt/meta-data.ts';
export type { AggregateOptions, NTAggregateView } from './nt/nt-aggregate.ts';
export { NTAggregate } from './nt/nt-aggregate.ts';
export type { NTAttributeOptions, NTAttributeView } from './nt/nt-attribute.ts';
export { NTAttribute } from './nt/nt-attribute.ts';
export type { NTContinuumView } from './nt/nt-continuum.ts';
export { NTContinuum } from './nt/nt-continuum.ts';
export type { EnumOptions, NTEnumView } from './nt/nt-enum.ts';
export { NTEnum } from './nt/nt-enum.ts';
export type { HistogramKind, HistogramOptions, NTHistogramView } from './nt/nt-histogram.ts';
export { NTHistogram } from './nt/nt-histogram.ts';
export type { MatrixOptions, NTMatrixView } from './nt/nt-matrix.ts';
export { NTMatrix } from './nt/nt-matrix.ts';
export type { MultiChannelOptions, ScalarMultiChannelOptions } from './nt/nt-multi-channel.ts';
export { NTMultiChannel, NTScalarMultiChannel } from './nt/nt-multi-channel.ts';
export type {
  ChannelField,
  ChannelsView,
  ChannelValue,
  NTMultiChannelView,
  NTScalarMultiChannelView,
} from './nt/nt-multi-channel-view.ts';
export type { NTNameValueView } from './nt/nt-name-value.ts';
export { NTNameValue } from './nt/nt-name-value.ts';
export type { Codec, DimensionInput, NDArrayOptions } from './nt/nt-nd-array.ts';
export { NTNDArray } from './nt/nt-nd-array.ts';
export type { AttributeOptions } from './nt/nt-nd-array-attributes.ts';
export type { DecompressOptions } from './nt/nt-nd-array-codec.ts';
export type { Dimension } from './nt/nt-nd-array-image.ts';
export { ColorMode } from './nt/nt-nd-array-image.ts';
export type { PixelArray } from './nt/nt-nd-array-pixels.ts';
export type {
  MetaDataView,
  NTScalarArrayView,
  NTScalarView,
  Scalar,
  ScalarArray,
  ScalarOptions,
} from './nt/nt-scalar.ts';
export { NTScalar, NTScalarArray } from './nt/nt-scalar.ts';
export type { NTTableView, TableColumn, TableColumnData, TableRow } from './nt/nt-table.ts';
export { NTTable } from './nt/nt-table.ts';
export type { NTUnionView, UnionOptions } from './nt/nt-union.ts';
export { NTUnion } from './nt/nt-union.ts';
export type { NTURIView, UriParts } from './nt/nt-uri.ts';
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
export type { AccessMacros } from './server/access-macros.ts';
export type { AccessGrant, AccessSecurityOptions } from './server/access-security.ts';
export { AccessSecurity } from './server/access-security.ts';
export type { TrappedWrite } from './server/guarded-pv.ts';
export type { LimitCounters, ServerLimits } from './server/limits.ts';
export type { ChannelReport, ConnectionReport, MonitorReport, ServerReport } from './server/report.ts';
export type { ProcessOption, RequestInfo } from './server/request-info.ts';
export type { ServerOptions } from './server/server.ts';
export { Server, VERSION } from './server/server.ts';
export { SharedPV } from './server/shared-pv.ts';
export type {
  ProcessHandler,
  PutHandler,
  RpcHandler,
  SharedPVHandlers,
  SharedPVOptions,
} from './server/shared-pv-options.ts';
export type { MonitorSink, ServedPV, Source, SourceEvents } from './server/source.ts';
export { StaticSource } from './server/source.ts';
export type { Lookup } from './socket/resolve.ts';
export { AnyValue, UnionValue } from './value/containers.ts';
export type { FormatMode, FormatOptions } from './value/format.ts';
export { formatValue } from './value/format.ts';
export { parsePvRequest } from './value/pv-request.ts';
export { deserializeType, deserializeValue, serializeType, serializeValue } from './value/serialize.ts';
export type { ArrayForm, Kind, NumericArray, NumericKind, ScalarKind } from './value/type-code.ts';
export type { FieldNode, Member, MemberSpecs, TypeSpec } from './value/type-def.ts';
export { arrayOf, bounded, struct, TypeDef, typeOf, union } from './value/type-def.ts';
export type { PvData } from './value/value.ts';
export { Value } from './value/value.ts';
export { valueFromBytes, valueToBytes } from './value/value-bytes.ts';
export { BitSet } from './wire/bit-set.ts';
