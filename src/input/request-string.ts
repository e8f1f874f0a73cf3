/**
 * The pvRequest text with which a consumer monitors its input channel: queue size, the share of the stream by the
 * distributor plugin, or the fields wanted. Rules of PvaPy (dataConsumer.py, dataConsumerController.py).
 */
import { UserError } from '../errors.ts';

/** A consumer's share of the stream; what is undefined or empty is left to the server. */
export interface DistributorRequest {
  /** Key of the plugin in the server: `pydistributor`, or `distributor` in stock pvDatabase. */
  readonly pluginName: string;
  readonly group?: string | undefined;
  readonly set?: string | undefined;
  readonly trigger?: string | undefined;
  readonly updates?: number | undefined;
}

export interface MonitorRequestOptions {
  /** More than 0: updates the server may queue for this client. */
  readonly serverQueueSize: number;
  readonly distributor?: DistributorRequest | undefined;
  /** Fields wanted, as `a,b.c` or `field(a,b.c)`; not used when the distributor is. */
  readonly fieldRequest?: string | undefined;
  /** Field with the object id; added to the fields wanted. */
  readonly oidField: string;
}

/** @throws UserError for text that would be read as something else in a request */
function checked(what: string, text: string): string {
  if (text !== '' && !/[\s;:,=()[\]{}]/.test(text)) return text;
  const why = text === '' ? 'is empty' : 'contains a blank or one of ; : , = ( ) [ ] { }';
  throw new UserError('HPC_BAD_ARGUMENT', `distributor ${what} '${text}' ${why}`);
}

function distributorItems(distributor: DistributorRequest): string[] {
  const { group, set, trigger, updates } = distributor;
  return Object.entries({ group, set, trigger, updates })
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}:${checked(key, String(value))}`);
}

function requestedFields(fieldRequest: string, oidField: string): string {
  const fields = fieldRequest.replaceAll('field(', '').replaceAll(')', '');
  return fields.includes(oidField) ? fields : `${oidField},${fields}`;
}

/**
 * The request text: `record[queueSize=N]` when a queue size is set, then
 * `field(_[pydistributor=group:G;set:S;trigger:T;updates:U])` with the items that are set, or `field(...)` with the
 * fields wanted and the object id field, or `field()`.
 * @throws UserError `HPC_BAD_ARGUMENT` if a distributor item or the plugin's name contains characters of the request grammar.
 */
export function monitorRequest(options: MonitorRequestOptions): string {
  const { serverQueueSize, distributor, fieldRequest = '', oidField } = options;
  const prefix = serverQueueSize > 0 ? `record[queueSize=${serverQueueSize}]` : '';
  const items = distributor === undefined ? [] : distributorItems(distributor);
  if (distributor !== undefined && items.length > 0) {
    return `${prefix}field(_[${checked('plugin name', distributor.pluginName)}=${items.join(';')}])`;
  }
  return `${prefix}field(${fieldRequest === '' ? '' : requestedFields(fieldRequest, oidField)})`;
}
