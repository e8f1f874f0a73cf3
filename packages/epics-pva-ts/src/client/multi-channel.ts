/**
 * MultiChannel: several channels that are got, put and monitored as one NTMultiChannel, as PvaPy's class of this name does.
 */
import { PvaError, TimeoutError } from '../errors.ts';
import type { Value } from '../value/value.ts';
import type { Context } from './context.ts';
import {
  type ChannelState,
  columnsOf,
  doublesOf,
  inputsOf,
  multiChannelOf,
  NOT_CONNECTED,
} from './multi-channel-values.ts';
import { type Closables, MultiMonitor, type MultiMonitorOptions } from './multi-monitor.ts';
import { type GetOptions, type PutOptions, requestValue } from './requests.ts';

/** What PvaPy asks for. */
const VALUE_ALARM_TIME = 'field(value,alarm,timeStamp)';

/**
 * Several channels as one, made by {@link Context.multiChannel}. Each channel is read by itself: the values are not those of
 * one moment. Nothing is kept between calls, and nothing has to be closed but its monitors.
 */
export class MultiChannel {
  /** The channels' names, in the order of the values. */
  readonly names: readonly string[];
  private readonly context: Pick<Context, 'get' | 'put' | 'monitor'>;
  private readonly open: Closables;

  /** @internal Made by {@link Context.multiChannel}. */
  constructor(context: Pick<Context, 'get' | 'put' | 'monitor'>, names: Iterable<string>, open: Closables) {
    this.context = context;
    this.names = [...names];
    this.open = open;
  }

  /**
   * All channels at once, as an NTMultiChannel: `value` is an any for each channel with its field `value` (nothing if it has
   * no such field), `isConnected` says which of them are there; alarms and times come as columns if `pvRequest` asks for
   * them. Default: `field(value,alarm,timeStamp)`.
   *
   * A channel that does not answer within `timeout` is not connected, holds nothing and has the alarm INVALID, UNDEFINED,
   * `not connected` (pvaClientCPP): that is no error.
   * @throws RemoteError, PvRequestError, CancelledError of the first channel that has one
   */
  async get(options: GetOptions = {}): Promise<Value> {
    const pvRequest = requestValue(options.pvRequest ?? VALUE_ALARM_TIME);
    return multiChannelOf(await this.states({ ...options, pvRequest }), columnsOf(pvRequest));
  }

  /** The field `value` of all channels as numbers; NaN for a channel that is not there or holds no number. @throws as `get` */
  async getAsDoubleArray(options: Omit<GetOptions, 'pvRequest'> = {}): Promise<Float64Array> {
    return doublesOf(await this.states({ ...options, pvRequest: 'field(value)' }));
  }

  private states(options: GetOptions): Promise<ChannelState[]> {
    return Promise.all(
      this.names.map(async (name) => {
        try {
          return { name, value: await this.context.get(name, options), isConnected: true, why: '' };
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
          return { name, value: undefined, isConnected: false, why: NOT_CONNECTED };
        }
      }),
    );
  }

  /**
   * Puts to all channels at once. `values` has for each what {@link Context.put} takes (numbers in a Float64Array too);
   * undefined or null leaves a channel alone. Or it is an NTMultiChannel of these channels, as `get` gives it.
   * @throws NoConvertError if there are not as many values as channels: then nothing is put. What fails with one channel
   * (TimeoutError, RemoteError, NoConvertError, ...) is thrown when all others have been put: the error of the first one.
   */
  async put(values: ArrayLike<unknown> | Value, options: PutOptions = {}): Promise<void> {
    const inputs = inputsOf(this.names, values);
    const puts = this.names.map(async (name, i) => {
      if (inputs[i] !== undefined) await this.context.put(name, inputs[i], options).catch(naming(name));
    });
    for (const result of await Promise.allSettled(puts))
      if (result.status === 'rejected') throw result.reason;
  }

  /**
   * Tells `update` of changes: the complete NTMultiChannel as {@link get} gives it, with the latest values, at most once in
   * `pollPeriod` seconds, and not before a promise that it returned has settled. A channel that is lost keeps its last
   * value, and says so in `isConnected` and its alarm. What `update` throws ends the monitor and surfaces as an uncaught
   * exception.
   * @throws PvRequestError, ConfigError
   */
  monitor(update: (value: Value) => void | Promise<void>, options: MultiMonitorOptions = {}): MultiMonitor {
    const pvRequest = requestValue(options.pvRequest ?? VALUE_ALARM_TIME);
    const columns = columnsOf(pvRequest);
    return this.watch({ ...options, pvRequest }, (states) => update(multiChannelOf(states, columns)));
  }

  /** As {@link monitor}, with the numbers {@link getAsDoubleArray} gives. @throws ConfigError */
  monitorAsDoubleArray(
    update: (values: Float64Array) => void | Promise<void>,
    options: Omit<MultiMonitorOptions, 'pvRequest'> = {},
  ): MultiMonitor {
    return this.watch({ ...options, pvRequest: 'field(value)' }, (states) => update(doublesOf(states)));
  }

  private watch(
    options: MultiMonitorOptions,
    tell: (states: readonly ChannelState[]) => void | Promise<void>,
  ): MultiMonitor {
    const { context } = this;
    return new MultiMonitor(
      this.names,
      options,
      (name, request, handlers) => context.monitor(name, request, handlers),
      tell,
      this.open,
    );
  }
}

/** Says of which of the channels an error is. */
function naming(name: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof PvaError && !error.message.startsWith(`${name}: `))
      error.message = `${name}: ${error.message}`;
    throw error;
  };
}
