/** The network of a chain: by default its own, on loopback, so that it meets nobody and nobody meets it. */
import type { PipelineFile } from './schema.ts';

/** What the chain adds to the environment of its stages. @param port UDP port of an isolated network */
export function chainEnvironment(file: PipelineFile, port: number): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(file.environment).map(([name, value]) => [name, String(value)]),
  );
  if (file.network === 'environment') return own;
  return {
    EPICS_PVA_ADDR_LIST: '127.0.0.1',
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_BROADCAST_PORT: String(port),
    EPICS_PVA_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVAS_SERVER_PORT: '0',
    ...own,
  };
}

/** What a client in another terminal needs to see an isolated chain. */
export function clientEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const names = ['EPICS_PVA_ADDR_LIST', 'EPICS_PVA_AUTO_ADDR_LIST', 'EPICS_PVA_BROADCAST_PORT'];
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

/** Settings of the shell that an isolated chain does not take over, beyond those it sets itself. */
export function foreignSettings(
  file: PipelineFile,
  inherited: NodeJS.ProcessEnv,
  added: Readonly<Record<string, string>>,
): string[] {
  if (file.network === 'environment') return [];
  return Object.keys(inherited).filter((name) => /^EPICS_PVAS?_/.test(name) && !(name in added));
}

/** The whole environment of a stage: of this process, without other EPICS settings if the chain is isolated. */
export function stageEnvironment(
  file: PipelineFile,
  inherited: NodeJS.ProcessEnv,
  added: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const foreign = foreignSettings(file, inherited, added);
  const kept = Object.entries(inherited).filter(([name]) => !foreign.includes(name));
  return { ...Object.fromEntries(kept), ...added };
}
