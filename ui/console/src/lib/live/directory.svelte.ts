// Agents, teams and queues for the pickers: fetched once, when first needed.
import { people, type Agent, type Id, type PresenceState, type Queue, type Team } from '$lib/api';

let agents = $state.raw<Agent[]>([]);
let teams = $state.raw<Team[]>([]);
let queues = $state.raw<Queue[]>([]);
let asked = false;

export const directory = {
  get agents(): Agent[] {
    return agents;
  },
  get teams(): Team[] {
    return teams;
  },
  get queues(): Queue[] {
    return queues;
  },
  async need(): Promise<void> {
    if (asked) return;
    asked = true;
    const [a, t, q] = await Promise.allSettled([people.agents(), people.teams(), people.queues()]);
    if (a.status === 'fulfilled') agents = a.value.items;
    else asked = false;
    if (t.status === 'fulfilled') teams = t.value.items;
    if (q.status === 'fulfilled') queues = q.value.items;
  },
  hear(agent: Id, presence: PresenceState): void {
    agents = agents.map((a) => (a.id === agent ? { ...a, presence } : a));
  },
  forget(): void {
    asked = false;
  },
};
