// Agents, teams, queues, tags and topics for the pickers: fetched once, when first needed.
import { people, type Agent, type Id, type Label, type PresenceState, type Queue, type Team } from '$lib/api';

let agents = $state.raw<Agent[]>([]);
let teams = $state.raw<Team[]>([]);
let queues = $state.raw<Queue[]>([]);
let tags = $state.raw<Label[]>([]);
let topics = $state.raw<Label[]>([]);
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
  /** The names of tags and topics that a store knows. */
  tagsOf(store: Id): string[] {
    return tags.filter((x) => !x.store_id || x.store_id === store).map((x) => x.name);
  },
  topicsOf(store: Id): string[] {
    return topics.filter((x) => !x.store_id || x.store_id === store).map((x) => x.name);
  },
  async need(): Promise<void> {
    if (asked) return;
    asked = true;
    const [a, t, q, l, r] = await Promise.allSettled([
      people.agents(),
      people.teams(),
      people.queues(),
      people.tags(),
      people.topics(),
    ]);
    if (a.status === 'fulfilled') agents = a.value.items;
    else asked = false;
    if (t.status === 'fulfilled') teams = t.value.items;
    if (q.status === 'fulfilled') queues = q.value.items;
    if (l.status === 'fulfilled') tags = l.value.items;
    if (r.status === 'fulfilled') topics = r.value.items;
  },
  hear(agent: Id, presence: PresenceState): void {
    agents = agents.map((a) => (a.id === agent ? { ...a, presence } : a));
  },
  forget(): void {
    asked = false;
  },
};
