/** Lists and structures in the reference are those of the sources: error codes, exit codes, variables, channels. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { clientConfigFromEnv, parseAddress, serverConfigFromEnv } from 'epics-pva-ts';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/run-main.ts';
import { ControlRecord } from '../../src/pipeline/control-record.ts';
import {
  collectorStatusType,
  consumerStatusType,
  systemStatusType,
  userStatsType,
} from '../../src/pipeline/status-record.ts';
import { ROOT } from '../e2e/support/world.ts';
import { codeBlocks, prose, read } from './support/documents.ts';

/** What `pattern`'s first group finds, each once, in order. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(text.matchAll(pattern), ([, group = '']) => group))].sort();
}

/** The text of all sources below a folder. */
function sources(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`${folder}/${file}`))
    .join('\n');
}

describe('docs/reference/exit-codes.md', () => {
  const text = prose('docs/reference/exit-codes.md');

  it('has every error code, and no other', () => {
    const all = ['src', 'sim', 'packages/epics-pva-ts/src'].map(sources).join('\n');
    const inCode = found(all, /'((?:HPC|PVA)_[A-Z_]+)'/g);
    const inText = found(text, /`((?:HPC|PVA)_[A-Z_]+)`/g);
    expect(inText).toEqual(inCode);
  });

  it('has every exit code', () => {
    const table = text.split('## Error lines')[0] ?? '';
    const codes = Array.from(table.matchAll(/^\| ([\d, ]+) \|/gm), ([, cell = '']) => cell.split(', '));
    const signals = found(read('src/cli/run-main.ts'), /\bSIG[A-Z]+: (\d+)/g);
    expect(codes.flat().map(Number).sort()).toEqual([...Object.values(EXIT), ...signals.map(Number)].sort());
  });
});

describe('docs/how-to/run-beside-iocs.md', () => {
  it('has a row for every variable, and for no other', () => {
    const inCode = found(read('packages/epics-pva-ts/src/config.ts'), /'(EPICS_PVAS?_[A-Z_]+)'/g);
    const rows = found(read('docs/how-to/run-beside-iocs.md'), /^\| `(EPICS_PVAS?_[A-Z_]+)` \|/gm);
    expect(rows).toEqual(inCode);
  });
});

describe('docs/reference/environment-variables.md', () => {
  const text = read('docs/reference/environment-variables.md');
  const [settable = '', ignored = ''] = text.split('## Not read');

  it('has every variable that is read, and none that is not', () => {
    const inCode = found(read('packages/epics-pva-ts/src/config.ts'), /'(EPICS_PVAS?_[A-Z_]+)'/g);
    expect(found(settable, /`(EPICS_PVAS?_[A-Z_]+)`/g)).toEqual(inCode);
    const notRead = found(ignored, /`((?:EPICS|PVXS)_[A-Z_0-9]+)`/g);
    expect(notRead.length).toBeGreaterThan(5);
    expect(notRead.filter((name) => inCode.includes(name))).toEqual([]);
  });

  it('gives the defaults', () => {
    const client = clientConfigFromEnv({});
    const server = serverConfigFromEnv({});
    const defaults = new Map<string, string>();
    for (const line of settable.split('\n')) {
      // Clients: variable, default, meaning. Servers: variable, other variable, default, meaning.
      const cells = line.split('|').map((cell) => cell.trim().replaceAll('`', ''));
      const name = cells.find((cell) => /^EPICS_\w+$/.test(cell));
      if (name !== undefined) defaults.set(name, cells.at(-3) ?? '');
    }
    expect(Object.fromEntries(defaults)).toEqual({
      EPICS_PVA_ADDR_LIST: client.addressList.join(' '),
      EPICS_PVA_AUTO_ADDR_LIST: client.autoAddrList ? 'YES' : 'NO',
      EPICS_PVA_BROADCAST_PORT: `${client.broadcastPort}`,
      EPICS_PVA_NAME_SERVERS: client.nameServers.join(' '),
      EPICS_PVA_SERVER_PORT: `${client.serverPort}`,
      EPICS_PVA_INTF_ADDR_LIST: client.interfaces.join(' '),
      EPICS_PVA_CONN_TMO: `${(client.tcpTimeout * 3) / 4}`,
      EPICS_PVAS_INTF_ADDR_LIST: server.interfaces.join(' '),
      EPICS_PVAS_SERVER_PORT: `${server.tcpPort}`,
      EPICS_PVAS_BROADCAST_PORT: `${server.udpPort}`,
      EPICS_PVAS_BEACON_ADDR_LIST: server.beaconDestinations.join(' '),
      EPICS_PVAS_AUTO_BEACON_ADDR_LIST: server.autoBeacon ? 'YES' : 'NO',
      EPICS_PVAS_IGNORE_ADDR_LIST: server.ignoreAddrs.join(' '),
    });
  });

  it('shows entries that can be read', () => {
    const [, row = ''] = /^\| entry \| [^|]* \| (.*) \|$/m.exec(settable) ?? [];
    const entries = found(row, /`([^`]+)`/g);
    expect(entries).toHaveLength(5);
    for (const entry of entries) expect(parseAddress(entry, 5076).host).not.toBe('');
  });
});

describe('docs/reference/hpc-collector.md', () => {
  it('shows the structure of the status channel, whose other groups are those of a consumer', () => {
    const shown = codeBlocks('docs/reference/hpc-collector.md', 'text').find(({ text }) =>
      text.startsWith('structure\n    uint collectorId'),
    );
    const user = userStatsType({ mine: 'int' });
    const type = collectorStatusType([1, 2], user, 1);
    const ofConsumer = consumerStatusType(user, 1);
    let text = type.toString();
    const shorten = (name: string): void => {
      text = text.replace(new RegExp(`^(    \\w+ ${name}\n)(?:        .*\n?)+`, 'm'), '$1        ...\n');
    };
    for (const { name, type: group } of type.members) {
      if (group.kind !== 'struct' || ['collectorStats', 'producerStats_1'].includes(name)) continue;
      const likewise = name === 'producerStats_2' ? type.node('producerStats_1') : ofConsumer.node(name);
      expect(group.equals(likewise.type), name).toBe(true);
      shorten(name);
    }
    expect(type.node('producerStats_1').type.equals(ofConsumer.node('metadataStats_1').type)).toBe(true);
    expect(shown?.text.trimEnd()).toBe(text.trimEnd());
  });
});

describe('docs/reference/channels.md', () => {
  const [status, system, control] = codeBlocks('docs/reference/channels.md', 'text').map(({ text }) =>
    text.trimEnd(),
  );

  it('shows the structure of the status channel', () => {
    const type = consumerStatusType(userStatsType({ mine: 'int' }));
    expect(status).toBe(type.toString().replace('int mine', '...'));
  });

  it('shows the structure of the system status channel, whose groups are those of the status channel', () => {
    const ofConsumer = consumerStatusType(undefined);
    let text = systemStatusType().toString();
    for (const { name, type } of systemStatusType().members) {
      if (name === 'objectTimestamp' || type.kind !== 'struct') continue;
      expect(type.equals(ofConsumer.node(name).type), name).toBe(true);
      text = text.replace(new RegExp(`(    structure ${name}\n)(?:        .*\n?)+`), '$1        ...\n');
    }
    expect(system).toBe(text.trimEnd());
  });

  it('shows the structure of the control channel', () => {
    const { pv } = new ControlRecord(
      { consumerId: 1 },
      {
        configure() {},
        resetStats() {},
        getStats() {},
        pause() {},
        resume() {},
        status: () => '',
        stop() {},
      },
    );
    expect(control).toBe(pv.type?.toString());
  });
});
