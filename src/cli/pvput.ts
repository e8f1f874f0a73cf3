/** The command `pvput`: puts a value to a channel and prints it before and after. */
import { type Context, formatValue, TimeoutError, type TypeDef, type Value } from 'epics-pva-ts';
import { wholeText } from './print-value.ts';
import { valueToPut } from './pvput-value.ts';
import { parseRequest, reasonOf, runTool, timeLimit, withContext } from './pvtools.ts';
import { type PvputOptions, pvputCommand } from './pvtools-options.ts';

function warn(line: string): void {
  process.stderr.write(`${line}\n`);
}

class Put {
  private readonly context: Context;
  private readonly name: string;
  private readonly options: PvputOptions;
  private readonly request: { pvRequest: Value; timeout: number; signal: AbortSignal };

  constructor(context: Context, name: string, options: PvputOptions, signal: AbortSignal) {
    this.context = context;
    this.name = name;
    this.options = options;
    this.request = { pvRequest: parseRequest(options.request), timeout: timeLimit(options.timeout), signal };
  }

  /** Resolves to the exit code. */
  async run(words: readonly string[]): Promise<number> {
    if (!this.options.quiet && !(await this.print('Old : '))) return 1;
    const outcome = await this.put(words);
    if (outcome === 'timeout') return 1;
    const printed = await this.print(this.options.quiet ? '' : 'New : ');
    return printed && outcome === 'done' ? 0 : 1;
  }

  /** Reads the channel and prints it; false if that fails. */
  private async print(prefix: string): Promise<boolean> {
    process.stdout.write(prefix);
    try {
      const value = await this.context.get(this.name, this.request);
      process.stdout.write(wholeText(value, this.options));
      return true;
    } catch (error) {
      this.report(error);
      return false;
    }
  }

  private async put(words: readonly string[]): Promise<'done' | 'failed' | 'timeout'> {
    const build = (type: TypeDef, present: Value | undefined): Value => {
      const value = valueToPut(type, { words, present, warn });
      if (this.options.debug)
        warn(`To be sent: ${formatValue(value, { mode: 'raw', changedOnly: true }).trimEnd()}`);
      return value;
    };
    try {
      await this.context.put(this.name, build, this.request);
      return 'done';
    } catch (error) {
      if (!(error instanceof TimeoutError)) {
        this.report(error);
        return 'failed';
      }
      warn('Put timeout');
      return 'timeout';
    }
  }

  private report(error: unknown): void {
    const why = reasonOf(this.name, error);
    warn(`Error: ${error instanceof TimeoutError ? 'Timeout' : why}`);
    if (this.options.debug && error instanceof TimeoutError) warn(`pvput: ${why}`);
  }
}

// What is to be put is put even if nobody reads what is printed: `pvput x 5 | true`.
void runTool(pvputCommand, async ({ options, operands }, _signal, interrupted) => {
  const [name = '', ...words] = operands;
  return withContext('pvput', options, (context) => new Put(context, name, options, interrupted).run(words));
});
