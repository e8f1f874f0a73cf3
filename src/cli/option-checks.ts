/** What the values of options must be beyond their types, and how a command says so. */
import { UserError } from '../errors.ts';

/** @throws UserError `HPC_BAD_ARGUMENT`: the option, its value, and what it is not */
export function refuseOption(option: string, value: number, wanted: string): never {
  throw new UserError('HPC_BAD_ARGUMENT', `${option}: ${value} is not ${wanted}`);
}

/** @throws UserError */
export function checkDrainTimeout(seconds: number): void {
  if (!(seconds >= 0)) refuseOption('--drain-timeout', seconds, '0 or more seconds');
}

/** What consumer and collector have in common. @throws UserError */
export function checkStageTimes(o: { readonly drainTimeout: number; readonly statusPeriod: number }): void {
  checkDrainTimeout(o.drainTimeout);
  if (!(o.statusPeriod >= 0.1)) refuseOption('--status-period', o.statusPeriod, 'at least 0.1 seconds');
}
