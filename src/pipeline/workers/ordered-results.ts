/** OrderedResults: what was begun in order and ends in any order is delivered in the order in which it was begun. */

interface Place<T> {
  settled: boolean;
  result: T | undefined;
}

export class OrderedResults<T> {
  private readonly places: Place<T>[] = [];
  private readonly deliver: (result: T) => void;

  /** `deliver` is called exactly once for each place taken; it must not throw. */
  constructor(deliver: (result: T) => void) {
    this.deliver = deliver;
  }

  /** Places taken whose results were not delivered yet. */
  get length(): number {
    return this.places.length;
  }

  /** Takes the next place. @returns Settles it; only the first call counts. */
  take(): (result: T) => void {
    const place: Place<T> = { settled: false, result: undefined };
    this.places.push(place);
    return (result) => {
      if (place.settled) return;
      place.settled = true;
      place.result = result;
      this.deliverSettled();
    };
  }

  private deliverSettled(): void {
    for (let first = this.places[0]; first?.settled; first = this.places[0]) {
      this.places.shift();
      this.deliver(first.result as T);
    }
  }
}
