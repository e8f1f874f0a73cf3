/** Monitors of one connection that wait for room: in order, in turns, never beyond the room there is. */
import { describe, expect, it } from 'vitest';
import { MONITOR_HIGH_WATER_BYTES } from '../../src/limits.ts';
import { Congestion, type TurnTaker } from '../../src/server/congestion.ts';

const UPDATE_BYTES = MONITOR_HIGH_WATER_BYTES / 2;

/** A connection on which what is written stays until it is drained. */
class Connection {
  unsentBytes = 0;
  readonly written: string[] = [];
  readonly congestion = new Congestion(this);

  /** One with no room left. */
  static full(): Connection {
    const connection = new Connection();
    connection.write('before');
    connection.write('before');
    return connection;
  }

  write(text: string): void {
    this.written.push(text);
    this.unsentBytes += UPDATE_BYTES;
  }

  drain(bytes = this.unsentBytes): void {
    this.unsentBytes -= bytes;
    this.congestion.giveTurns();
  }

  /** A monitor that still has these updates to write. */
  monitor(...updates: string[]): TurnTaker {
    return {
      waits: false,
      turn: () => {
        this.write(updates.shift() as string);
        return updates.length > 0;
      },
    };
  }
}

describe('congestion', () => {
  it('lets monitors take turns, an update each, in the order in which they came', () => {
    const connection = Connection.full();
    const { congestion } = connection;
    expect(congestion.isClear).toBe(false);
    congestion.wait(connection.monitor('a1', 'a2', 'a3'));
    congestion.wait(connection.monitor('b1'));
    congestion.wait(connection.monitor('c1', 'c2'));
    expect(connection.written).toEqual(['before', 'before']);
    for (let i = 0; i < 3; i++) connection.drain();
    expect(connection.written.slice(2)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    expect(congestion.isClear).toBe(false);
    connection.drain();
    expect(congestion.isClear).toBe(true);
  });

  it('writes no more than there is room for', () => {
    const connection = new Connection();
    connection.write('before');
    connection.congestion.wait(connection.monitor('a1', 'a2', 'a3'));
    expect(connection.written).toEqual(['before', 'a1']);
    connection.drain(UPDATE_BYTES);
    expect(connection.written).toEqual(['before', 'a1', 'a2']);
  });

  it('is not clear while one waits, though there is room: an update would overtake', () => {
    const connection = Connection.full();
    const { congestion } = connection;
    congestion.wait(connection.monitor('a1'));
    connection.unsentBytes = 0;
    expect(congestion.isClear).toBe(false);
    congestion.giveTurns();
    expect(congestion.isClear).toBe(true);
  });

  it('counts one that waits already once', () => {
    const connection = Connection.full();
    const { congestion } = connection;
    const monitor = connection.monitor('a1');
    congestion.wait(monitor);
    congestion.wait(monitor);
    connection.drain();
    expect(connection.written.slice(2)).toEqual(['a1']);
    expect(monitor.waits).toBe(false);
  });

  it("goes on to one that begins to wait in another one's turn, once", () => {
    const connection = new Connection();
    const { congestion } = connection;
    const late = connection.monitor('late');
    const first: TurnTaker = {
      waits: false,
      turn: () => {
        connection.written.push('first');
        congestion.wait(late);
        return false;
      },
    };
    congestion.wait(first);
    expect(connection.written).toEqual(['first', 'late']);
  });

  it('forgets those that wait when the connection ends', () => {
    const connection = Connection.full();
    const { congestion } = connection;
    const monitor = connection.monitor('a1');
    congestion.wait(monitor);
    congestion.clear();
    connection.drain();
    expect(connection.written).toEqual(['before', 'before']);
    expect(monitor.waits).toBe(false);
  });
});
