/**
 * The control channel of a consumer, a collector or a mirror server: structure, commands and messages of PvaPy (systemController.py;
 * pvapy-behaviour.md 5).
 *
 * A put is accepted at once (`Command successful`) and executed 0.1 s later; commands run one after another. The
 * final message says what came of it.
 */
import { SharedPV, struct, type TypeDef, Value } from 'epics-pva-ts';
import { timeNow, timeType } from './record-time.ts';

export interface ControlCommands {
  /** `args` parsed as JSON, or the text itself if it is none. Without it, `configure` is an unknown command. */
  configure?(args: unknown): void | Promise<void>;
  resetStats(): void;
  getStats(): void;
  stop(): void;
}

const EXEC_DELAY_MS = 100;
const NAMES = ['configure', 'reset_stats', 'get_stats', 'stop'] as const;
type CommandName = (typeof NAMES)[number];

const typeWith = (idFields: readonly string[]): TypeDef =>
  struct('', {
    ...Object.fromEntries(idFields.map((name) => [name, 'uint' as const])),
    objectTime: 'double',
    objectTimestamp: timeType,
    command: 'string',
    args: 'string',
    statusMessage: 'string',
  });

export class ControlRecord {
  readonly pv: SharedPV;
  private readonly commands: ControlCommands;
  private readonly type: TypeDef;
  private readonly names: readonly CommandName[];
  private last: Promise<void> = Promise.resolve();

  /** @param ids `consumerId` or `collectorId`; none of who has no id */
  constructor(ids: Readonly<Record<string, number>>, commands: ControlCommands) {
    this.commands = commands;
    this.names = NAMES.filter((name) => name !== 'configure' || commands.configure);
    this.type = typeWith(Object.keys(ids));
    this.pv = new SharedPV({ onPut: (_pv, value) => this.onPut(value) });
    this.pv.open(Value.create(this.type, ids));
  }

  private onPut(value: Value): void {
    const before = this.pv.fetch();
    const command = String(value.isMarked('command') ? value.get('command') : before.get('command'));
    const args = String(value.isMarked('args') ? value.get('args') : before.get('args'));
    const known = this.names.find((name) => name === command);
    this.say(
      known
        ? 'Command successful'
        : `Ignoring request: command '${command}' is not one of ${this.names.join(', ')}`,
      { command, args },
    );
    if (!known) return;
    const wait = new Promise<void>((resolve) => setTimeout(resolve, EXEC_DELAY_MS));
    this.last = Promise.all([this.last, wait]).then(() => this.execute(known, args));
  }

  private async execute(command: CommandName, args: string): Promise<void> {
    try {
      this.say(await this.run(command, args));
    } catch (error) {
      const what = command === 'configure' ? 'Configuration' : `Command ${command}`;
      this.say(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async run(command: CommandName, args: string): Promise<string> {
    switch (command) {
      case 'configure':
        await this.commands.configure?.(parsed(args));
        return 'Configuration successful';
      case 'reset_stats':
        this.commands.resetStats();
        return 'Stats reset successful';
      case 'get_stats':
        this.commands.getStats();
        return 'Stats update successful';
      case 'stop':
        this.commands.stop();
        return 'Stop flag set';
    }
  }

  /** One update for all fields, so that a monitor never sees half a command. */
  private say(statusMessage: string, request: Record<string, unknown> = {}): void {
    const { seconds, time } = timeNow();
    this.pv.post(
      Value.create(this.type, { objectTime: seconds, objectTimestamp: time, ...request, statusMessage }),
    );
  }
}

function parsed(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return args;
  }
}
