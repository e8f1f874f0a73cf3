/** pvinfo as scripts see it: exact bytes, exit codes, as EPICS base's pvinfo prints them. */
import type { Server } from 'epics-pva-ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, type Finished, RunningTool, runTool, servePVs } from './run-tool.ts';

let server: Server;
beforeAll(async () => {
  server = await servePVs();
});
afterAll(() => server.close());

const pvinfo = (...argv: string[]): Promise<Finished> => runTool(server, 'pvinfo', ...argv);
const lines = (...text: string[]): string => `${text.join('\n')}\n`;
const ok = (...text: string[]): Finished => ({ code: 0, stdout: lines(...text), stderr: '' });

describe('pvinfo', () => {
  it('prints server and type', async () => {
    expect(await pvinfo('t:enum', 't:group')).toEqual(
      ok(
        't:enum',
        `Server: 127.0.0.1:${server.tcpPort}`,
        'Type:',
        '    epics:nt/NTEnum:1.0',
        '        enum_t value',
        '            int index',
        '            string[] choices',
        '        alarm_t alarm',
        '            int severity',
        '            int status',
        '            string message',
        '        time_t timeStamp',
        '            long secondsPastEpoch',
        '            int nanoseconds',
        '            int userTag',
        '',
        't:group',
        `Server: 127.0.0.1:${server.tcpPort}`,
        'Type:',
        '    my:group:1.0',
        '        structure inner',
        '            double value',
        '            string text',
        '        union choice',
        '            double number',
        '            string[] words',
        '        union empty',
        '            double number',
        '        any any',
        '        row_t[] rows',
        '            row_t',
        '                int x',
        '                string name',
        '        union[] options',
        '            union',
        '                int i',
        '                string s',
        '        boolean flag',
        '        boolean[] flags',
        '        ubyte[] bytes',
        '        float[] floats',
        '',
      ),
    );
  });

  it('fails for a channel that is not there, after the others', async () => {
    const { code, stdout, stderr } = await pvinfo('-w', '3', 'nosuch', 't:double');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'Timeout\nnosuch Error: channel destroyed\n' });
    expect(stdout).toMatch(/^t:double\nServer: 127\.0\.0\.1:\d+\nType:\n {4}epics:nt\/NTScalar:1\.0\n/);
  });

  it('fails when it is ended by Ctrl-C before the answer', async () => {
    await using tool = new RunningTool('pvinfo', ['-w', '0', 't:byte', 'nosuch'], environment(server));
    await tool.printed(/userTag\n\n/);
    expect(await tool.interrupt()).toMatchObject({ code: 1, stderr: 'nosuch Error: channel destroyed\n' });
  });
});
