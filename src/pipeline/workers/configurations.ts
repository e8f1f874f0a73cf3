/** Configurations: what `configure` commands have told the workers, for those that come later too. */
import type { WorkerMember } from './worker-member.ts';

/** A configuration not answered by then has failed, in ms: a worker may be in a long computation. */
const TIMEOUT_MS = 10_000;
/** Configurations that a new worker is given; older ones are forgotten. */
const MAX_KEPT = 100;

export class Configurations {
  private readonly kept: unknown[] = [];
  private requests = 0;

  /** In the order of the commands. */
  get all(): readonly unknown[] {
    return this.kept;
  }

  /** Tells all of them; what all refuse is forgotten. @throws Error the first refusal */
  async tell(members: readonly WorkerMember[], args: unknown): Promise<void> {
    this.kept.push(args);
    if (this.kept.length > MAX_KEPT) this.kept.shift();
    const requestId = ++this.requests;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Error>((resolve) => {
      const text = `not all workers have answered within ${TIMEOUT_MS / 1000} s; they do when their object is done`;
      timer = setTimeout(() => resolve(new Error(text)), TIMEOUT_MS);
    });
    const answers = await Promise.all(
      members.map((member) => Promise.race([member.configure(requestId, args), late])),
    );
    clearTimeout(timer);
    const refusals = answers.filter((answer) => answer !== undefined);
    const [first] = refusals;
    if (!first) return;
    const at = this.kept.lastIndexOf(args);
    if (refusals.length === answers.length && at >= 0) this.kept.splice(at, 1);
    throw first;
  }
}
