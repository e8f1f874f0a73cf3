/** Things that happened, and a way to wait for more of them. */
export class Happenings<T> {
  readonly all: T[] = [];
  private waiting: { enough: (all: readonly T[]) => boolean; done: () => void }[] = [];

  readonly push = (item: T): void => {
    this.all.push(item);
    this.waiting = this.waiting.filter((w) => {
      if (!w.enough(this.all)) return true;
      w.done();
      return false;
    });
  };

  until(enough: (all: readonly T[]) => boolean): Promise<void> {
    if (enough(this.all)) return Promise.resolve();
    return new Promise((done) => this.waiting.push({ enough, done }));
  }

  count(n: number): Promise<void> {
    return this.until((all) => all.length >= n);
  }
}
