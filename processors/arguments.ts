/** Reading `--processor-args`: what is missing has a default, what makes no sense is said in one line. */

/** The arguments a processor was given. */
export type Arguments = Readonly<Record<string, unknown>>;

/**
 * A number among the arguments.
 * @throws Error naming the argument, when it is given and not a number from `least` on
 */
export function numberArgument(
  args: Arguments,
  name: string,
  rule: { readonly default: number; readonly least: number; readonly whole?: boolean },
): number {
  const value = args[name] ?? rule.default;
  if (typeof value === 'number' && value >= rule.least && (!rule.whole || Number.isInteger(value)))
    return value;
  throw new Error(
    `argument ${name}: ${JSON.stringify(value)} is not a ${rule.whole ? 'whole ' : ''}number from ${rule.least} on`,
  );
}

/** The arguments of a `configure` command. @throws Error when they are no JSON object */
export function objectOf(args: unknown): Arguments {
  if (typeof args === 'object' && args !== null && !Array.isArray(args)) return args as Arguments;
  throw new Error(`the arguments must be a JSON object, not ${JSON.stringify(args)}`);
}
