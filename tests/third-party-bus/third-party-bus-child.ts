import { runBusProcess } from '@agentcompany/agent-bus/testing';
import { openThirdPartyBus } from './open-third-party-bus.ts';

await runBusProcess(({ folder, ...common }) => openThirdPartyBus({ folder: String(folder), ...common }));
